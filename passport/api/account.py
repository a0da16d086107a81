"""``/v1/account`` and ``/v1/me``: whom the token manages, what is proven, and what a passport still lacks."""

from typing import Any

from attestation.evidence.standing import levels_of
from attestation.levels import missing
from passport.agents.own_api import READ_ACCOUNT
from passport.api.callers import Caller
from passport.api.doors import Answer, Asked, Call, api_door
from passport.api.shapes import moment
from passport.exchange.issuing import LEAST_IDENTITY, LEAST_PAYMENT
from passport.restrictions.subjects import ENVIRONMENTS
from passport.standing.states import WORDS, account_effect


def show(asked: Asked) -> Answer:
    account = asked.caller.account
    return Answer(
        {
            "id": account.pk,
            "name": account.name,
            "kind": account.kind,
            "state": account.state,
            "created_at": moment(account.created_at),
            "environments": {name: _in_environment(asked.caller, name) for name in ENVIRONMENTS},
        }
    )


def show_me(asked: Asked) -> Answer:
    caller = asked.caller
    return Answer(
        {
            "id": caller.user.pk,
            "account": {"id": caller.account_id, "name": caller.account.name},
            "role": str(caller.role),
            "client": caller.consent.client_id,
            "scopes": sorted(caller.consent.scope_names),
            "granted_at": moment(caller.consent.given_at),
            "expires_at": moment(caller.consent.expires_at),
        }
    )


def _in_environment(caller: Caller, environment: str) -> dict[str, Any]:
    held = levels_of(caller.account_id, environment, caller.now)
    return {
        "state": WORDS[account_effect(caller.account_id, environment)],
        "identity": held.identity,
        "payment": held.payment,
        "missing_for_passport": missing(held.identity, held.payment, LEAST_IDENTITY, LEAST_PAYMENT),
    }


account = api_door(GET=Call(READ_ACCOUNT, show))
me = api_door(GET=Call(READ_ACCOUNT, show_me))
