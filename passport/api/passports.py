"""``/v1/agents/{id}/passports``: which there are, in what state and why; and the way to revoke one's own."""

from datetime import datetime
from typing import Any

from passport.agents.models import Agent
from passport.agents.own_api import READ_AGENTS, WRITE_AGENTS
from passport.api.agents import get_agent
from passport.api.callers import MAKERS
from passport.api.doors import Answer, Asked, Call, api_door
from passport.api.refusals import not_found
from passport.api.shapes import moment, page_of
from passport.credentials.models import Passport
from passport.fields import Effect
from passport.restrictions.models import Restriction
from passport.restrictions.subjects import active
from passport.revocation.by_holder import revoke_passport
from passport.standing.states import WORDS, account_effect, passport_word

Reasons = dict[tuple[str, str], Restriction]


def list_passports(asked: Asked, agent_id: str) -> Answer:
    agent = get_agent(asked.caller, agent_id)
    rows = Passport.objects.filter(agent=agent).select_related("key")
    return page_of(
        "passports",
        rows,
        asked.http,
        lambda found: show_all(agent, found, asked.caller.now),
        key="-issued_at",
    )


def revoke(asked: Asked, agent_id: str, jti: str) -> Answer:
    """With all that came from it, for good. Twice is once."""
    agent, caller = get_agent(asked.caller, agent_id), asked.caller
    rows = Passport.objects.filter(agent=agent, jti=jti).select_related("key")
    if not rows.exists():
        raise not_found("passport")
    revoke_passport(jti, actor=caller.actor, now=caller.now)
    return Answer(show_all(agent, list(rows), caller.now)[0])


def show_all(agent: Agent, rows: list[Passport], now: datetime) -> list[dict[str, Any]]:
    """Three queries, however many."""
    of_account = account_effect(agent.account_id, agent.environment)
    reasons = _reasons(agent, rows, now)
    return [_show(agent, row, of_account, reasons, now) for row in rows]


def _show(agent: Agent, row: Passport, of_account: Effect, reasons: Reasons, now: datetime) -> dict[str, Any]:
    """The state is the strongest of all that covers it; the reason is the one that made it so."""
    covered = {
        ("passport", row.jti): row.effect,
        ("key", row.key_id): row.key.effect,
        ("agent", agent.client_id): agent.effect,
        ("account", agent.account_id): of_account,
    }
    subject = max(covered, key=lambda one: covered[one])
    effect = Effect(covered[subject])
    why = reasons.get(subject) if effect else None
    word = passport_word(row, now)
    return {
        "jti": row.jti,
        "state": word if word == "expired" or not effect else WORDS[effect],
        "reason": why.reason if why else None,
        "restricted": subject[0] if effect else None,
        "since": moment(why.placed_at) if why else None,
        "key": row.key_id,
        "thumbprint": row.key.thumbprint,
        "scopes": row.scopes.split() if isinstance(row.scopes, str) else list(row.scopes),
        "issued_at": moment(row.issued_at),
        "expires_at": moment(row.expires_at),
    }


def _reasons(agent: Agent, rows: list[Passport], now: datetime) -> Reasons:
    """The strongest restriction in force of each subject, the newest of those that are alike."""
    subjects = [agent.client_id, agent.account_id, *(row.jti for row in rows), *(row.key_id for row in rows)]
    found = Restriction.objects.filter(active(now), subject_id__in=subjects).exclude(
        environment__in={"sandbox", "live"} - {agent.environment}
    )
    return {(one.subject_type, one.subject_id): one for one in found.order_by("effect", "placed_at", "pk")}


passports = api_door(GET=Call(READ_AGENTS, list_passports))
passport_revoke = api_door(POST=Call(WRITE_AGENTS, revoke, MAKERS, changes=True))
