"""What may happen by itself on a flag: policies that one person wrote and another approved.

Off until somebody turns one on. A response throttles or suspends for a while and lapses unless
a person makes a batch of it; nothing here revokes. It is carried by a batch of its own, so it
is shown, recorded and undone like any other.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

import structlog
from django.db import transaction

from accounts.flags.models import Flag
from accounts.linkage.clusters import cluster_of, members_of
from foundation import clock
from foundation.jobs.outbox import enqueue
from foundation.jobs.periodic import every
from foundation.ledger.append import append
from passport.fields import Effect
from passport.restrictions.place import SubjectRef, place
from passport.restrictions.subjects import Subject
from passport.restrictions.switches import Name, is_on
from passport.revocation.batch import BatchError, Member, State, digest_of
from passport.revocation.innocent import perhaps_innocent
from passport.revocation.models import BatchMember, Response, ResponsePolicy, RevocationBatch
from passport.revocation.run import TRAVEL
from passport.revocation.steps import record
from passport.revocation.undo import undo

log = structlog.get_logger()

ACTOR = "system:responses"
LEAST_CONFIDENCE = 0.75
MOST_OF_A_SERVICE = 0.5
"""A service's report alone never suffices: it may be wrong, or paid for."""
TRUSTED = frozenset({Flag.Source.PERSON, Flag.Source.PROVIDER, Flag.Source.SERVICE})
"""Detectors only ask a person."""
FLAGS_A_RUN = 200

Outcome = Response.Outcome


@dataclass(frozen=True, slots=True)
class Verdict:
    """What a policy does about a flag: on the flagged account, and on the rest of its cluster."""

    outcome: str
    why: str = ""
    spread_to: tuple[str, ...] = ()

    @property
    def accounts(self) -> int:
        return 1 + len(self.spread_to)


def write_policy(
    *,
    flag_reason: str,
    effect: Effect,
    actor: str,
    now: datetime,
    factor: float = 1.0,
    spread_factor: float = 1.0,
    lapse_hours: int = 72,
    cap: int = 10,
) -> ResponsePolicy:
    """Write or rewrite the policy of a reason. It is off until another person approves it.

    Raises BatchError ``bad_policy``: a policy never revokes, and always lapses.
    """
    if effect not in {Effect.THROTTLE, Effect.SUSPEND} or not 1 <= lapse_hours <= 720 or cap < 1:
        raise BatchError("bad_policy", "throttle or suspend, for 1 to 720 hours, at least one account")
    if not (0 <= factor <= 1 and 0 <= spread_factor <= 1) or (factor < 1 and effect != Effect.THROTTLE):
        raise BatchError("bad_policy", "factors lie between 0 and 1; only a throttle has one")
    with transaction.atomic():
        policy, _ = ResponsePolicy.objects.update_or_create(
            flag_reason=flag_reason,
            defaults={
                "effect": effect,
                "factor": factor,
                "spread_factor": spread_factor,
                "lapse_hours": lapse_hours,
                "cap": cap,
                "written_by": actor,
                "written_at": now,
                "approved_by": "",
                "enabled": False,
            },
        )
        _record(policy, "written", actor, now)
    return policy


def approve_policy(policy_id: int, actor: str, *, now: datetime) -> ResponsePolicy:
    """Turn a policy on. Raises BatchError ``own_request`` for whoever wrote it."""
    with transaction.atomic():
        policy = ResponsePolicy.objects.select_for_update().get(pk=policy_id)
        if policy.written_by == actor:
            raise BatchError("own_request", "a second person has to approve this")
        policy.approved_by, policy.enabled = actor, True
        policy.save(update_fields=["approved_by", "enabled"])
        _record(policy, "approved", actor, now)
    return policy


def switch_off(policy_id: int, actor: str, *, now: datetime) -> None:
    """One person suffices to turn a policy off."""
    with transaction.atomic():
        policy = ResponsePolicy.objects.select_for_update().get(pk=policy_id)
        policy.enabled = False
        policy.save(update_fields=["enabled"])
        _record(policy, "switched_off", actor, now)


@every(5, "passport.revocation.respond")
def respond_to_flags() -> None:
    now = clock.now()
    respond(now)
    follow_up(now)


def respond(now: datetime) -> int:
    """Answer the open flags that no response has looked at yet. Gives how many were acted on."""
    if is_on(Name.RESPONSES, now):
        return 0
    policies = {policy.flag_reason: policy for policy in ResponsePolicy.objects.filter(enabled=True)}
    if not policies:
        return 0
    answered = Response.objects.values("flag_id")
    flags = Flag.objects.filter(state=Flag.State.OPEN, reason__in=policies).exclude(pk__in=answered)
    observing = is_on(Name.OBSERVE_RESPONSES, now)
    used = dict.fromkeys(policies, 0)
    acted = 0
    for flag in flags.order_by("raised_at", "pk")[:FLAGS_A_RUN]:
        policy = policies[flag.reason]
        verdict = _weigh(flag, policy, left=policy.cap - used[flag.reason], now=now)
        if verdict.outcome == Outcome.ACTED:
            used[flag.reason] += verdict.accounts
            acted += not observing
            if observing:
                verdict = Verdict(Outcome.OBSERVED, "observe_only", verdict.spread_to)
        _answer(flag, policy, verdict, now)
    return acted


def follow_up(now: datetime) -> int:
    """Undo the responses to flags that a person has dismissed. Gives how many."""
    waiting = Response.objects.filter(outcome=Outcome.ACTED, closed_at=None)
    decided = Flag.objects.filter(pk__in=waiting.values("flag_id")).exclude(state=Flag.State.OPEN)
    undone = 0
    for flag in decided:
        response = Response.objects.get(flag_id=flag.pk)
        if flag.state == Flag.State.DISMISSED and response.batch is not None:
            if response.batch.state in {State.RUNNING, State.PAUSED}:
                continue
            if response.batch.state == State.DONE:
                undo(response.batch.pk, flag.decided_by or ACTOR, "flag_dismissed", now=now)
                undone += 1
        Response.objects.filter(pk=response.pk).update(closed_at=now)
    return undone


def _weigh(flag: Flag, policy: ResponsePolicy, *, left: int, now: datetime) -> Verdict:
    if flag.account_id is None:
        return Verdict(Outcome.REVIEW, "cluster_flag")
    if flag.source not in TRUSTED or confidence(flag.source, flag.confidence) < LEAST_CONFIDENCE:
        return Verdict(Outcome.REVIEW, "not_sure_enough")
    if left < 1:
        return Verdict(Outcome.REVIEW, "over_cap")
    rest = _rest_of_cluster(flag, policy, now)
    if 1 + len(rest) > left:
        # The flagged account is certain, the others are only beside it.
        return Verdict(Outcome.ACTED, "spread_over_cap")
    return Verdict(Outcome.ACTED, spread_to=tuple(rest))


def confidence(source: str, given: float) -> float:
    """A service's report counts at most MOST_OF_A_SERVICE."""
    return min(given, MOST_OF_A_SERVICE) if source == Flag.Source.SERVICE else given


def _rest_of_cluster(flag: Flag, policy: ResponsePolicy, now: datetime) -> list[str]:
    """The others to be throttled; the old and the well verified go to a person instead."""
    cluster_id = cluster_of(str(flag.account_id), flag.environment)
    if cluster_id is None or policy.spread_factor >= 1.0:
        return []
    others = [one for one in members_of(cluster_id) if one != flag.account_id]
    spared = {one.account_id for one in perhaps_innocent(others, flag.environment, now)}
    return [one for one in others if one not in spared]


def _answer(flag: Flag, policy: ResponsePolicy, verdict: Verdict, now: datetime) -> None:
    with transaction.atomic():
        response, is_new = Response.objects.get_or_create(
            flag_id=flag.pk,
            defaults={
                "outcome": verdict.outcome,
                "why": verdict.why,
                "accounts": verdict.accounts if verdict.outcome != Outcome.REVIEW else 0,
                "responded_at": now,
            },
        )
        if is_new and verdict.outcome == Outcome.ACTED:
            response.batch = _act(flag, policy, verdict.spread_to, now)
            response.save(update_fields=["batch"])
    log.info("response_decided", flag=flag.pk, outcome=verdict.outcome, why=verdict.why)


def _act(flag: Flag, policy: ResponsePolicy, spread_to: Sequence[str], now: datetime) -> RevocationBatch:
    flagged = str(flag.account_id)
    batch = _carry(flag, policy, [flagged, *spread_to], now)
    ends_at = now + timedelta(hours=policy.lapse_hours)
    common = {
        "reason": flag.reason,
        "actor": ACTOR,
        "now": now,
        "environment": flag.environment,
        "batch_id": batch.pk,
        "ends_at": ends_at,
    }
    place([_account(flagged)], effect=Effect(policy.effect), factor=policy.factor, **common)  # type: ignore[arg-type]
    if spread_to:
        rest = [_account(one) for one in spread_to]
        place(rest, effect=Effect.THROTTLE, factor=policy.spread_factor, **common)  # type: ignore[arg-type]
    enqueue(TRAVEL, {"batch_id": batch.pk}, key=f"travel:{batch.pk}")
    return batch


def _account(account_id: str) -> SubjectRef:
    return SubjectRef(Subject.ACCOUNT, account_id, account_id)


def _carry(flag: Flag, policy: ResponsePolicy, accounts: list[str], now: datetime) -> RevocationBatch:
    """The running batch that carries a response; the policy's two people stand for its approval."""
    members = [Member(Subject.ACCOUNT, one, one) for one in accounts]
    batch = RevocationBatch.objects.create(
        state=State.RUNNING,
        environment=flag.environment,
        chosen_by="response",
        chosen_from=str(flag.account_id),
        cluster_id=cluster_of(str(flag.account_id), flag.environment) or "",
        flag_id=flag.pk,
        effect=policy.effect,
        factor=policy.factor,
        reason=flag.reason,
        requested_by=ACTOR,
        created_at=now,
        set_digest=digest_of(
            members, effect=policy.effect, factor=policy.factor, environment=flag.environment
        ),
        approved_by=policy.approved_by,
        approved_at=now,
        started_by=ACTOR,
        started_at=now,
        accounts_hit=len(accounts),
        recorded=len(accounts),
    )
    BatchMember.objects.bulk_create(
        BatchMember(batch=batch, subject_type=one.type, subject_id=one.id, account_id=one.account_id)
        for one in members
    )
    record(batch, State.RUNNING, actor=ACTOR, now=now, policy=policy.pk)
    return batch


def _record(policy: ResponsePolicy, what: str, actor: str, now: datetime) -> None:
    append(
        f"policy.{what}",
        actor=actor,
        reason=policy.flag_reason,
        payload={
            "policy": policy.pk,
            "effect": Effect(policy.effect).name.lower(),
            "spread_factor": policy.spread_factor,
            "lapse_hours": policy.lapse_hours,
            "cap": policy.cap,
        },
        at=now,
    )
