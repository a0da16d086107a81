"""What a batch would do, before it does: stores the set, counts, names the perhaps innocent."""

from collections.abc import Iterable
from datetime import datetime
from typing import Any

from django.db import transaction
from django.db.models import QuerySet

from accounts.linkage.clusters import neighbours_of
from passport.agents.models import Agent
from passport.credentials.models import Passport
from passport.fields import Effect
from passport.restrictions.subjects import Subject, account_states, in_chunks
from passport.revocation.batch import BatchError, Member, State, digest_of
from passport.revocation.innocent import perhaps_innocent
from passport.revocation.models import BatchMember, BatchView, RevocationBatch
from passport.revocation.select import Chosen, choose
from passport.revocation.steps import get_batch, move, record, taken_in
from passport.services.models import AgentGrant

MOST_NAMED = 200
"""Perhaps innocent members shown one by one; all are counted."""
MOST_BESIDE = 50
MEMBERS_AT_ONCE = 2_000
OPEN = frozenset({State.DRAFT, State.PREVIEWED, State.AWAITING})
"""States in which the set may still change; an approval falls when it does."""


def make_preview(batch_id: str, *, actor: str, now: datetime) -> RevocationBatch:
    """Choose anew, store the set, count what it hits. Nothing else is changed.

    Those left out before stay out. An approval given before falls. Raises BatchError.
    """
    batch = get_batch(batch_id)
    chosen = choose(batch)
    with transaction.atomic():
        _lock(batch)
        _store(batch, chosen)
        _refresh(batch, actor=actor, now=now)
    return batch


def exclude(batch_id: str, account_id: str, reason: str, *, actor: str, now: datetime) -> RevocationBatch:
    """Leave an account out of the set. Raises BatchError (``no_reason``, ``not_a_member``)."""
    if not reason.strip():
        raise BatchError("no_reason", "say why it is left out")
    return _set_excluded(batch_id, account_id, reason.strip()[:200], actor=actor, now=now)


def include(batch_id: str, account_id: str, *, actor: str, now: datetime) -> RevocationBatch:
    """Take an account back in that was left out."""
    return _set_excluded(batch_id, account_id, "", actor=actor, now=now)


def record_view(batch_id: str, viewer: str, *, now: datetime) -> str:
    """Note that this person has the preview open. Gives the digest of the set they see."""
    batch = get_batch(batch_id)
    BatchView.objects.update_or_create(
        batch=batch, viewer=viewer, defaults={"set_digest": batch.set_digest, "viewed_at": now}
    )
    return batch.set_digest


def as_members(rows: Iterable[BatchMember]) -> list[Member]:
    """The stored members as values, each with the links it was shown with."""
    return [Member(row.subject_type, row.subject_id, row.account_id, shown(row)) for row in rows]


def shown(row: BatchMember) -> frozenset[str]:
    """The links a member was shown with."""
    return frozenset(f"{reason['kind']}:{reason['tag']}" for reason in row.why if reason.get("tag"))


def _set_excluded(
    batch_id: str, account_id: str, reason: str, *, actor: str, now: datetime
) -> RevocationBatch:
    batch = get_batch(batch_id)
    with transaction.atomic():
        _lock(batch)
        rows = BatchMember.objects.filter(batch=batch, account_id=account_id)
        if not rows.update(excluded=bool(reason), excluded_reason=reason):
            raise BatchError("not_a_member", f"{account_id} is not in the set")
        _refresh(batch, actor=actor, now=now)
        what = "excluded" if reason else "included"
        record(batch, what, actor=actor, now=now, account=account_id)
    return batch


def _lock(batch: RevocationBatch) -> None:
    """Hold the batch; its state as it is now decides."""
    held = RevocationBatch.objects.select_for_update().get(pk=batch.pk)
    if State(held.state) not in OPEN:
        raise BatchError("already_running", f"the batch is {held.state}: its set is fixed", conflict=True)
    batch.state = held.state


def _store(batch: RevocationBatch, chosen: list[Chosen]) -> None:
    left_out = dict(
        BatchMember.objects.filter(batch=batch, excluded=True).values_list("account_id", "excluded_reason")
    )
    BatchMember.objects.filter(batch=batch).delete()
    BatchMember.objects.bulk_create(
        [
            BatchMember(
                batch=batch,
                subject_type=one.type,
                subject_id=one.id,
                account_id=one.account_id,
                why=one.why,
                excluded=one.account_id in left_out,
                excluded_reason=left_out.get(one.account_id, ""),
            )
            for one in chosen
        ],
        batch_size=MEMBERS_AT_ONCE,
    )


def _refresh(batch: RevocationBatch, *, actor: str, now: datetime) -> None:
    rows = taken_in(batch.pk)
    digest = digest_of(
        as_members(rows), effect=batch.effect, factor=batch.factor, environment=batch.environment
    )
    figures = _figures(batch, rows, now)
    # The entry of the step names the set it is about.
    batch.set_digest = digest
    move(
        batch,
        State.PREVIEWED,
        actor=actor,
        now=now,
        preview=figures,
        previewed_at=now,
        set_digest=digest,
        approved_by="",
        approved_at=None,
    )


def _figures(batch: RevocationBatch, rows: list[BatchMember], now: datetime) -> dict[str, Any]:
    accounts = sorted({row.account_id for row in rows})
    agents, passports = _covered(batch, rows, now)
    innocent = _perhaps_innocent(batch, rows, now)
    return {
        "accounts": len(accounts),
        "agents": agents.count(),
        "passports": passports.count(),
        "services": _services(agents),
        "restricted_already": _restricted(accounts, batch.environment),
        "left_out": BatchMember.objects.filter(batch=batch, excluded=True).count(),
        "perhaps_innocent": innocent[:MOST_NAMED],
        "perhaps_innocent_count": len(innocent),
        "beside": _beside(batch),
    }


def _covered(
    batch: RevocationBatch, rows: list[BatchMember], now: datetime
) -> tuple[QuerySet[Agent], QuerySet[Passport]]:
    """The agents and living passports that the set stops; all subjects of a set are of one type."""
    kind = rows[0].subject_type if rows else Subject.ACCOUNT
    ids = [row.subject_id for row in rows]
    living = Passport.objects.filter(environment=batch.environment, expires_at__gt=now)
    if kind == Subject.ACCOUNT:
        agents = Agent.objects.filter(account_id__in=ids, environment=batch.environment)
        return agents, living.filter(account_id__in=ids)
    if kind == Subject.AGENT:
        return Agent.objects.filter(client_id__in=ids), living.filter(agent__client_id__in=ids)
    column = "key_id__in" if kind == Subject.KEY else "jti__in"
    passports = living.filter(**{column: ids})
    return Agent.objects.filter(pk__in=passports.values("agent_id")), passports


def _services(agents: QuerySet[Agent]) -> list[dict[str, str]]:
    rows = AgentGrant.objects.filter(agent_id__in=agents.values("pk")).order_by("service__name")
    found = rows.values_list("service_id", "service__name", "service__audience").distinct()
    return [{"id": pk, "name": name, "audience": audience} for pk, name, audience in found]


def _restricted(account_ids: list[str], environment: str) -> dict[str, int]:
    """How many of the accounts are restricted there already, by effect."""
    found = {effect.name.lower(): 0 for effect in (Effect.THROTTLE, Effect.SUSPEND, Effect.REVOKE)}
    for part in in_chunks(account_ids):
        rows = account_states(environment).filter(account_id__in=part, there__gt=Effect.NONE)
        for effect in rows.values_list("there", flat=True):
            found[Effect(effect).name.lower()] += 1
    return found


def _perhaps_innocent(batch: RevocationBatch, rows: list[BatchMember], now: datetime) -> list[dict[str, Any]]:
    """Members to be looked at one by one, each with what speaks for it and why it is in."""
    why = {row.account_id: [reason["words"] for reason in row.why] for row in rows}
    return [
        {
            "account": one.account_id,
            "name": one.name,
            "since": one.created_at.isoformat(timespec="seconds"),
            "identity": one.identity,
            "payment": one.payment,
            "signs": list(one.signs),
            "why": why[one.account_id],
        }
        for one in perhaps_innocent(list(why), batch.environment, now)
    ]


def _beside(batch: RevocationBatch) -> list[dict[str, str]]:
    """Accounts that share something and stay: shown, never acted on."""
    if not batch.cluster_id:
        return []
    return [
        {"account": one.account_id, "words": one.words}
        for one in neighbours_of(batch.cluster_id)[:MOST_BESIDE]
    ]
