"""A person says yes: the consent, and the code that the client redeems."""

import hashlib
import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from django.db import transaction

from foundation.ledger.append import append
from passport.agents.clients import DOCUMENT, OAuthClient
from passport.agents.models import Agent
from passport.agents.redirect_uris import host_of
from passport.conf import code_life
from passport.consents.models import AuthorizationCode, Consent
from passport.consents.secrets import CODE, digest_of, new_secret

LIFE = timedelta(days=90)
"""A person is asked again four times a year: long enough to be of use, short enough to be remembered."""


@dataclass(frozen=True, slots=True)
class Wanted:
    """What the person agreed to, already checked against what the client may ask."""

    client: OAuthClient
    resources: Sequence[str]
    scopes: frozenset[str]
    redirect_uri: str = ""
    """Empty where nothing is redirected: a device."""
    details: Sequence[Mapping[str, Any]] = ()
    account_id: str | None = None
    """Which account it may manage, where it asks for that."""


def give(user_id: str, wanted: Wanted, *, now: datetime) -> Consent:
    """Record the consent, on the ledger too. Call it in the transaction that acts on it."""
    client = wanted.client
    agent = Agent.objects.filter(client_id=client.client_id).only("id").first() if client.account_id else None
    consent = Consent.objects.create(
        user_id=user_id,
        client_id=client.client_id,
        client_kind=client.kind,
        client_name=client.name[:255],
        client_digest=digest_of_client(client),
        agent=agent,
        account_id=wanted.account_id,
        redirect_host=host_of(wanted.redirect_uri)[:255] if wanted.redirect_uri else "",
        environment=client.environment or "",
        resources=list(wanted.resources),
        scopes=" ".join(sorted(wanted.scopes)),
        details=list(wanted.details),
        given_at=now,
        expires_at=now + LIFE,
    )
    append(
        "consent.given",
        actor=f"user:{user_id}",
        subject_ids=subjects_of(consent),
        payload={
            "client": client.client_id,
            "kind": client.kind,
            "resources": list(wanted.resources),
            "scopes": sorted(wanted.scopes),
        },
        at=now,
    )
    return consent


@transaction.atomic
def give_code(
    user_id: str,
    wanted: Wanted,
    *,
    code_challenge: str,
    thumbprint: str,
    redirect_was_sent: bool,
    now: datetime,
) -> str:
    """The consent, and a code for it: seen this once."""
    consent = give(user_id, wanted, now=now)
    code = new_secret(CODE)
    AuthorizationCode.objects.create(
        user_id=user_id,
        code=digest_of(code),
        consent=consent,
        redirect_uri=wanted.redirect_uri,
        redirect_was_sent=redirect_was_sent,
        scope=consent.scopes,
        resource=consent.resources,
        code_challenge=code_challenge,
        code_challenge_method=AuthorizationCode.CODE_CHALLENGE_S256,
        thumbprint=thumbprint,
        expires=now + code_life(),
    )
    return code


def subjects_of(consent: Consent) -> list[str]:
    """The account that it may manage, but not the one behind the client: who its agents act for is no
    business of its members."""
    managed = [consent.account_id] if consent.account_id else []
    return [consent.pk, consent.user_id, consent.client_id, *managed]


def digest_of_client(client: OAuthClient) -> str:
    """What the consent depends on of a client that can change by itself; empty for one that cannot."""
    if client.kind != DOCUMENT:
        return ""
    keys = sorted(json.dumps(dict(key), sort_keys=True) for key in client.keys)
    content = json.dumps([sorted(client.redirect_uris), keys, client.auth_method])
    return hashlib.sha256(content.encode()).hexdigest()
