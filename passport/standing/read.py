"""The one read of the hot path: a single prepared statement, by primary keys, from facts and never a cache.

What was found is not judged here (good.py): a reader that filters cannot say why.
"""

import json
from collections.abc import Iterator, Mapping, Sequence
from datetime import UTC, datetime
from typing import Any

from passport.limits.pool_sql import read_pool
from passport.standing.facts import (
    ActorFacts,
    KeyFacts,
    LevelFacts,
    PassportFacts,
    PolicyFacts,
    ServiceFacts,
    Standing,
)
from passport.standing.prepared import fetch_one
from passport.standing.statements import AGENT, PASSPORT, TOKEN, Statement

MAX_ACTORS = 4
NOBODY = "-"
"""In place of an absent name: no row has it, and ``= NULL`` would need another plan."""


def find_by_passport(jti: str, *, audience: str) -> Standing | None:
    """The passport, all it hangs on, and the service at ``audience``. One query."""
    return _find(PASSPORT, {"jti": jti, "audience": audience})


def find_by_agent(client_id: str, *, thumbprint: str | None, audience: str) -> Standing | None:
    """An agent without a passport; ``key`` is its own key of that thumbprint. One query."""
    return _find(
        AGENT, {"client_id": client_id, "thumbprint": thumbprint or NOBODY, "audience": audience or NOBODY}
    )


def find_by_token(
    status_list: int,
    status_index: int,
    *,
    jti: str,
    kid: str,
    thumbprint: str | None,
    actors: Sequence[str] = (),
    audience: str,
) -> Standing | None:
    """The root of an access token by its status entry, its signer, its holder's key, its actors. One query.

    ``audience`` is the service that the read is about: the target of an exchange, or at
    introspection the token's own. Raises ValueError for more than four actors.
    """
    if len(actors) > MAX_ACTORS:
        raise ValueError("more than four actors")
    names = (*actors, *(NOBODY,) * (MAX_ACTORS - len(actors)))
    return _find(
        TOKEN,
        {
            "status_list": status_list,
            "status_index": status_index,
            "jti": jti,
            "kid": kid,
            "thumbprint": thumbprint or NOBODY,
            "audience": audience,
            **{f"actor{place}": name for place, name in enumerate(names, 1)},
        },
    )


def _find(statement: Statement, values: Mapping[str, str | int]) -> Standing | None:
    row = fetch_one(statement, values)
    return None if row is None else _standing(iter(row))


def _standing(row: Iterator[Any]) -> Standing:
    """Takes the columns in the order of ``statements.COLUMNS``."""
    take = row.__next__
    return Standing(
        agent_id=take(),
        agent_pk=take(),
        agent_name=take(),
        agent_purpose=take(),
        agent_software=take(),
        environment=take(),
        agent_state=take(),
        agent_effect=take(),
        account_id=take(),
        account_state=take(),
        account_created_at=_moment(take()),
        account_effect=max(take() or 0, take() or 0),
        account_factor=min(_number(take(), 1.0), _number(take(), 1.0)),
        levels=_levels([take() for _ in range(7)]),
        agent_factor=_number(take(), 1.0),
        cluster_id=(cluster_id := take() or ""),
        cluster_grade=(cluster_grade := take() or ""),
        cluster_changed_at=_maybe_moment(take()),
        pool=read_pool(cluster_id, cluster_grade, take()),
        mode=take() or "",
        mode_since=_maybe_moment(take()),
        signing_kid=take() or "",
        switches={name: _maybe_moment(until) for name, until in _rows(take())},
        key=_key([take() for _ in range(6)]),
        passport=_passport([take() for _ in range(14)]),
        service=_service([take() for _ in range(8)]),
        policies=tuple(_policy(policy) for policy in _rows(take())),
        status_list=take(),
        status_index=take(),
        signer_state=take() or "",
        signer_effect=take() or 0,
        revoked=bool(take()),
        actors=tuple(_actor(actor) for actor in _rows(take())),
    )


def _levels(values: list[Any]) -> LevelFacts:
    identity, method, identity_at, identity_until, payment, payment_at, payment_until = values
    return LevelFacts(
        identity or "email",
        method or "",
        _maybe_moment(identity_at),
        _maybe_moment(identity_until),
        payment or "none",
        _maybe_moment(payment_at),
        _maybe_moment(payment_until),
    )


def _key(values: list[Any]) -> KeyFacts | None:
    key_id, thumbprint, effect, not_before, not_after, retired_at = values
    if key_id is None:
        return None
    return KeyFacts(
        key_id,
        thumbprint,
        effect,
        _moment(not_before),
        _maybe_moment(not_after),
        _maybe_moment(retired_at),
    )


def _passport(values: list[Any]) -> PassportFacts | None:
    jti, scopes, limits, issued_at, expires_at, *rest = values
    if jti is None:
        return None
    return PassportFacts(
        jti, frozenset(scopes.split()), _rows(limits), _moment(issued_at), _moment(expires_at), *rest
    )


def _service(values: list[Any]) -> ServiceFacts | None:
    service_id, audience, environment, enabled, bound, granted, details, scopes = values
    if service_id is None:
        return None
    offered = {name: (identity, payment) for name, identity, payment in _rows(scopes)}
    return ServiceFacts(
        service_id,
        audience,
        environment,
        bool(enabled),
        bool(bound),
        offered,
        frozenset((granted or "").split()),
        _rows(details),
    )


def _policy(values: list[Any]) -> PolicyFacts:
    policy_id, service_id, *rest, override_until = values
    columns = [policy_id, service_id or "", *rest, _maybe_moment(override_until)]
    return PolicyFacts(*columns)


def _actor(values: list[Any]) -> ActorFacts:
    actor_id, account_id, environment, state, effect, everywhere, there, key_set = values
    keys = json.loads(key_set) if isinstance(key_set, str) else key_set
    account_effect = max(everywhere or 0, there or 0)
    return ActorFacts(actor_id, account_id or "", environment, state, effect, account_effect, keys)


def _rows(value: Any) -> list[Any]:
    """A JSON array: text, already read, or NULL for no row."""
    return json.loads(value) if isinstance(value, str) else value or []


def _number(value: float | None, default: float) -> float:
    return default if value is None else value


def _moment(value: datetime | str) -> datetime:
    """SQLite keeps UTC without saying so."""
    moment = datetime.fromisoformat(value) if isinstance(value, str) else value
    return moment if moment.tzinfo else moment.replace(tzinfo=UTC)


def _maybe_moment(value: datetime | str | None) -> datetime | None:
    return None if value is None else _moment(value)
