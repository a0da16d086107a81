"""Changes of policies and overrides: prepared, then put into force. The only writer of these tables.

A change remembers the row as it was. Whoever approves it approves that step and no other: where
the row has changed meanwhile, the change is stale and is asked for anew. Who may approve is not
decided here.
"""

import re
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from datetime import UTC, datetime, timedelta
from typing import Any

from django.db import transaction

from accounts.owners.models import Account
from attestation.levels import IDENTITY
from foundation.ledger.append import append
from passport.limits.loosening import is_looser, lets_more_through
from passport.limits.models import LimitChange, LimitOverride, LimitPolicy
from passport.limits.policies import TOKEN_SCOPE, Policy, Terms, terms_of
from passport.services.models import Scope, Service

Kind, State = LimitChange.Kind, LimitChange.State

LONGEST_OVERRIDE = timedelta(days=90)
"""An exception that lasts longer is a policy."""
MOST_UNITS = 1_000_000_000
LONGEST_WINDOW_SECONDS = 366 * 86_400
NAME = re.compile(r"[a-z][a-z0-9-]{0,31}")
RESERVED = "shared"
"""What clients are told of a shared bucket."""


class ChangeRefused(ValueError):
    """Not prepared, or not put into force. The message may be shown; ``stale``: somebody was first."""

    def __init__(self, message: str, *, stale: bool = False) -> None:
        super().__init__(message)
        self.stale = stale


@dataclass(frozen=True, slots=True)
class PolicyTerms:
    """A policy as it shall be; what comes before ``quota`` names the row."""

    service_id: str
    """Empty for the token endpoint itself."""
    scope: str
    """Empty for every scope of the service."""
    name: str
    applies_to: str
    tier: str
    quota: int
    window_seconds: int
    burst: int
    unit: str = LimitPolicy.Unit.REQUESTS


@dataclass(frozen=True, slots=True)
class OverrideTerms:
    """An exception for one account from one policy."""

    account_id: str
    policy_id: int
    quota: int
    burst: int
    ends_at: datetime


def prepare_policy(terms: PolicyTerms, *, reason: str, actor: str, now: datetime) -> LimitChange:
    """A new policy, or other numbers for the one of that name. Nothing holds yet. Raises ChangeRefused."""
    _check_policy(terms)
    row = _find_policy(asdict(terms))
    return _prepare(Kind.POLICY, asdict(terms), _policy_json(row), reason, actor, now)


def prepare_drop(policy_id: int, *, reason: str, actor: str, now: datetime) -> LimitChange:
    """The end of a policy, and of all overrides of it. Raises ChangeRefused."""
    row = _get_policy(policy_id)
    return _prepare(Kind.DROP, _policy_json(row) or {}, _policy_json(row), reason, actor, now)


def prepare_override(terms: OverrideTerms, *, reason: str, actor: str, now: datetime) -> LimitChange:
    """An exception, always with an end. Raises ChangeRefused."""
    policy = _get_policy(terms.policy_id)
    if not Account.objects.filter(pk=terms.account_id).exists():
        raise ChangeRefused("no such account")
    if not now < terms.ends_at <= now + LONGEST_OVERRIDE:
        raise ChangeRefused(f"an override ends within {LONGEST_OVERRIDE.days} days")
    _check_numbers(terms.quota, policy.window_seconds, terms.burst)
    wanted = {**asdict(terms), "ends_at": terms.ends_at.isoformat()}
    before = _override_json(_find_override(wanted))
    return _prepare(Kind.OVERRIDE, wanted, before, reason, actor, now, account_id=terms.account_id)


def prepare_end(override_id: int, *, reason: str, actor: str, now: datetime) -> LimitChange:
    """The end of an override before its time. Raises ChangeRefused."""
    row = LimitOverride.objects.filter(pk=override_id).first()
    if row is None:
        raise ChangeRefused("no such override")
    before = _override_json(row)
    return _prepare(Kind.END, before or {}, before, reason, actor, now, account_id=row.account_id)


def gives_more(change: LimitChange, now: datetime) -> bool:
    """Whether anybody would have more than now: then a second person has to say yes. Three queries."""
    wanted = change.wanted
    if change.kind in (Kind.OVERRIDE, Kind.END):
        return _override_gives_more(change, now)
    rows = LimitPolicy.objects.filter(service_id=wanted["service_id"] or None)
    before = [policy_value(row) for row in rows]
    named = _identity(wanted)
    after = [row for row in before if _identity(asdict(row)) != named]
    if change.kind == Kind.POLICY:
        after.append(Policy(0, **{name: wanted[name] for name in POLICY_FIELDS}))
    return lets_more_through(before, after, service_id=wanted["service_id"], now=now)


def ask_second_person(change_id: str) -> None:
    """From draft to waiting. Raises ChangeRefused."""
    _step(change_id, (State.DRAFT,), state=State.WAITING)


def refuse(change_id: str, *, actor: str, now: datetime) -> None:
    """Nothing changes, for good. Raises ChangeRefused."""
    _step(change_id, (State.DRAFT, State.WAITING), state=State.REFUSED, decided_by=actor, decided_at=now)


def put_into_force(change_id: str, *, actor: str, now: datetime) -> LimitChange:
    """The change, its ledger entry and its state in one transaction. Holds from the next request on.

    ``actor`` is whoever decides, alone or as the second person. Raises ChangeRefused, ``stale``
    where the row is no longer what it was when the change was prepared.
    """
    with transaction.atomic():
        _step(change_id, (State.DRAFT, State.WAITING), state=State.DONE, decided_by=actor, decided_at=now)
        change = LimitChange.objects.get(pk=change_id)
        APPLY[Kind(change.kind)](change, actor)
        _record(change, actor)
    return change


def find_change(change_id: str) -> LimitChange | None:
    return LimitChange.objects.filter(pk=change_id).first()


def policy_value(row: LimitPolicy) -> Policy:
    return Policy(
        row.pk, row.service_id or "", row.scope, row.name, row.applies_to, row.tier,
        row.quota, row.window_seconds, row.burst, unit=row.unit,
    )  # fmt: skip


POLICY_FIELDS = tuple(PolicyTerms.__dataclass_fields__)
IDENTITY_FIELDS = ("service_id", "scope", "name", "applies_to", "tier")


def _identity(values: Mapping[str, Any]) -> tuple[Any, ...]:
    return tuple(values[name] for name in IDENTITY_FIELDS)


def _prepare(
    kind: str,
    wanted: Mapping[str, Any],
    before: Mapping[str, Any] | None,
    reason: str,
    actor: str,
    now: datetime,
    *,
    account_id: str = "",
) -> LimitChange:
    if not reason.strip():
        raise ChangeRefused("say why: it goes on the record")
    if kind in (Kind.POLICY, Kind.OVERRIDE) and wanted == before:
        raise ChangeRefused("that is what holds already")
    return LimitChange.objects.create(
        kind=kind,
        wanted=dict(wanted),
        before=before,
        account_id=account_id,
        reason=reason.strip()[:200],
        requested_by=actor,
        requested_at=now,
    )


def _check_policy(terms: PolicyTerms) -> None:
    if not NAME.fullmatch(terms.name) or terms.name.startswith(RESERVED):
        raise ChangeRefused("a name has small letters, digits and hyphens, 32 at most, and is not 'shared'")
    if terms.applies_to not in LimitPolicy.Level.values or terms.unit not in LimitPolicy.Unit.values:
        raise ChangeRefused("it applies to each agent or to each account, and counts units or model tokens")
    if terms.tier and terms.tier not in IDENTITY:
        raise ChangeRefused("no such identity level")
    _check_numbers(terms.quota, terms.window_seconds, terms.burst)
    _check_place(terms)
    others = LimitPolicy.objects.filter(service_id=terms.service_id or None, name=terms.name)
    if others.exclude(unit=terms.unit).exists():
        raise ChangeRefused("the policies of one name count the same thing: choose another name")


def _check_place(terms: PolicyTerms) -> None:
    if not terms.service_id:
        if terms.scope != TOKEN_SCOPE or terms.unit != LimitPolicy.Unit.REQUESTS:
            raise ChangeRefused(f"the token endpoint has the scope {TOKEN_SCOPE} only, and counts requests")
        return
    if not Service.objects.filter(pk=terms.service_id).exists():
        raise ChangeRefused("no such service")
    if terms.scope and not Scope.objects.filter(service_id=terms.service_id, name=terms.scope).exists():
        raise ChangeRefused("the service has no such scope")


def _check_numbers(quota: int, window_seconds: int, burst: int) -> None:
    if not 1 <= burst <= quota <= MOST_UNITS:
        raise ChangeRefused(f"burst and quota are from 1 to {MOST_UNITS}, the burst no more than the quota")
    if not 1 <= window_seconds <= LONGEST_WINDOW_SECONDS:
        raise ChangeRefused("a window is between a second and a year")


def _override_gives_more(change: LimitChange, now: datetime) -> bool:
    policy = _get_policy(change.wanted["policy_id"])
    plain = terms_of(policy_value(policy), now)
    row = _find_override(change.wanted)
    held = plain if row is None or row.ends_at <= now else _with(plain, row.quota, row.burst)
    if change.kind == Kind.END:
        return is_looser(plain, held)
    wanted = _with(plain, change.wanted["quota"], change.wanted["burst"])
    return is_looser(wanted, plain) or is_looser(wanted, held)


def _with(plain: Terms, quota: int, burst: int) -> Terms:
    row = Policy(0, "", "", plain.name, "", "", quota, plain.window_seconds, burst, unit=plain.unit)
    return terms_of(row, datetime.min.replace(tzinfo=UTC))


def _apply_policy(change: LimitChange, actor: str) -> None:
    row = _find_policy(change.wanted, lock=True)
    _check_unchanged(change, _policy_json(row))
    numbers = {name: change.wanted[name] for name in ("quota", "window_seconds", "burst", "unit")}
    if row is not None:
        LimitPolicy.objects.filter(pk=row.pk).update(**numbers)
        return
    named = {name: change.wanted[name] for name in IDENTITY_FIELDS}
    named["service_id"] = named["service_id"] or None
    LimitPolicy.objects.create(**named, **numbers)


def _apply_drop(change: LimitChange, actor: str) -> None:
    row = _find_policy(change.wanted, lock=True)
    _check_unchanged(change, _policy_json(row))
    if row is not None:
        row.delete()


def _apply_override(change: LimitChange, actor: str) -> None:
    row = _find_override(change.wanted, lock=True)
    _check_unchanged(change, _override_json(row))
    values = {
        "quota": change.wanted["quota"],
        "burst": change.wanted["burst"],
        "ends_at": datetime.fromisoformat(change.wanted["ends_at"]),
        "reason": change.reason,
        "requested_by": change.requested_by,
        "approved_by": actor,
        "created_at": change.decided_at,
    }
    LimitOverride.objects.update_or_create(
        account_id=change.account_id, policy_id=_get_policy(change.wanted["policy_id"]).pk, defaults=values
    )


def _apply_end(change: LimitChange, actor: str) -> None:
    row = _find_override(change.wanted, lock=True)
    _check_unchanged(change, _override_json(row))
    if row is not None:
        row.delete()


APPLY = {
    Kind.POLICY: _apply_policy,
    Kind.DROP: _apply_drop,
    Kind.OVERRIDE: _apply_override,
    Kind.END: _apply_end,
}


def _check_unchanged(change: LimitChange, now_json: Mapping[str, Any] | None) -> None:
    if now_json != change.before:
        raise ChangeRefused("it was changed since this was prepared: prepare it again", stale=True)


def _step(change_id: str, states: tuple[str, ...], **values: Any) -> None:
    if not LimitChange.objects.filter(pk=change_id, state__in=states).update(**values):
        raise ChangeRefused("it is decided already", stale=True)


def _record(change: LimitChange, actor: str) -> None:
    subjects = [one for one in (change.account_id, change.wanted.get("service_id")) if one]
    append(
        "limits.changed",
        actor=actor,
        subject_ids=subjects,
        reason=change.kind,
        payload={
            "change": change.pk,
            "requested_by": change.requested_by,
            "before": change.before,
            "after": None if change.kind in (Kind.DROP, Kind.END) else change.wanted,
        },
        text=change.reason,
    )


def _get_policy(policy_id: int) -> LimitPolicy:
    row = LimitPolicy.objects.filter(pk=policy_id).first()
    if row is None:
        raise ChangeRefused("no such policy", stale=True)
    return row


def _find_policy(values: Mapping[str, Any], *, lock: bool = False) -> LimitPolicy | None:
    named = {name: values[name] for name in IDENTITY_FIELDS} | {"service_id": values["service_id"] or None}
    rows = LimitPolicy.objects.filter(**named)
    return (rows.select_for_update() if lock else rows).first()


def _find_override(values: Mapping[str, Any], *, lock: bool = False) -> LimitOverride | None:
    rows = LimitOverride.objects.filter(account_id=values["account_id"], policy_id=values["policy_id"])
    return (rows.select_for_update() if lock else rows).first()


def _policy_json(row: LimitPolicy | None) -> dict[str, Any] | None:
    if row is None:
        return None
    return {name: getattr(row, name) for name in POLICY_FIELDS} | {"service_id": row.service_id or ""}


def _override_json(row: LimitOverride | None) -> dict[str, Any] | None:
    if row is None:
        return None
    fields = ("account_id", "policy_id", "quota", "burst")
    return {name: getattr(row, name) for name in fields} | {"ends_at": row.ends_at.isoformat()}
