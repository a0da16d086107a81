"""What a token request costs: a unit of the policy ``token`` for agent, account and cluster, and its jtis."""

from collections.abc import Mapping, Sequence
from datetime import datetime

from passport.admission.admit import admit
from passport.admission.contract import Admission, Mode, Verdict
from passport.admission.holders import partition_for, token_buckets
from passport.admission.mode import microseconds, mode_of
from passport.conf import organisation_most
from passport.errors import (
    InvalidClient,
    InvalidDpopProof,
    InvalidRequest,
    OAuthError,
    TemporarilyUnavailable,
)
from passport.limits.buckets import Bucket
from passport.limits.headers import fields
from passport.proofs.dpop import Proof
from passport.proofs.spent import Spent
from passport.standing.facts import Standing
from passport.standing.good import is_observing


def charge(
    mode: Mode,
    *,
    partition: str,
    assertion: Sequence[Spent],
    subject: Sequence[Spent] = (),
    proof: Proof | None,
    buckets: Sequence[Bucket],
    record: Mapping[str, str | int] | None,
    now: datetime,
    observing: bool = False,
) -> Verdict:
    """The one atomic step: all or nothing. Nothing before it burns a jti.

    ``subject``: a workload's token, which counts once.

    Raises InvalidClient, InvalidRequest or InvalidDpopProof for a replay (ASRT-03, EX-19, DPOP-10),
    TemporarilyUnavailable with 429 over a limit and with 503 when no store can decide.
    """
    spent = (*assertion, *subject, *((proof.spent,) if proof else ()))
    admission = Admission(partition, spent, tuple(buckets), record, microseconds(now))
    verdict = admit(admission, mode, observing=observing)
    if not verdict.taken:
        raise refusal_of(verdict, assertions=len(assertion), subjects=len(subject))
    return verdict


def refusal_of(verdict: Verdict, *, assertions: int, subjects: int = 0) -> OAuthError:
    if verdict.replayed is not None:
        if verdict.replayed < assertions:
            return InvalidClient("the assertion was used before", uri_reason="assertion_replayed")
        if verdict.replayed < assertions + subjects:
            return InvalidRequest("the workload token was used before", uri_reason="workload_token_replayed")
        return InvalidDpopProof("the proof was used before", uri_reason="proof_replayed")
    return TemporarilyUnavailable(
        "too many token requests",
        uri_reason="rate_limited",
        status=429,
        headers=fields(verdict.remaining, retry_after_us=verdict.retry_after_us),
    )


def charge_token(
    standing: Standing,
    *,
    agent_id: str,
    assertion: Sequence[Spent],
    subject: Sequence[Spent] = (),
    proof: Proof | None,
    record: Mapping[str, str | int] | None,
    now: datetime,
) -> Verdict:
    """Charge one token request to ``agent_id``, its account and its cluster.

    ``agent_id`` presents: the agent of ``standing``, or one that acts for it.
    """
    return charge(
        mode_of(standing.mode, standing.mode_since),
        partition=partition_for(standing),
        assertion=assertion,
        subject=subject,
        proof=proof,
        buckets=token_buckets(standing, now, organisation_most=organisation_most(), agent_id=agent_id),
        record=record,
        now=now,
        observing=is_observing(standing, now),
    )
