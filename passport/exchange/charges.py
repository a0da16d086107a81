"""What a token request costs: a unit of the policy ``token`` for agent, account and cluster, and its jtis."""

from collections.abc import Mapping, Sequence
from datetime import datetime

from passport.admission.admit import admit
from passport.admission.contract import Admission, Mode, Verdict, partition_of
from passport.admission.holders import partition_for, token_buckets
from passport.admission.mode import microseconds, mode_of
from passport.agents.models import AgentKey
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
from passport.proofs.spent import Spent, spend
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
    account_id: str | None = None,
    own_key: bool = False,
) -> Verdict:
    """The one atomic step: all or nothing. Nothing before it burns a jti.

    ``subject``: a workload's token, which counts once. ``own_key``: the proof is by a registered
    key of who is charged, so its proofs come to this partition and no other. A proof by any
    other key costs a query, and a second step in a partition that is the key's.

    Raises InvalidClient, InvalidRequest or InvalidDpopProof for a replay (ASRT-03, EX-19, DPOP-10),
    TemporarilyUnavailable with 429 over a limit and with 503 when no store can decide.
    """
    guest = None if own_key else proof
    if guest is not None:
        _check_not_another_accounts(guest, account_id)
    spent = (*assertion, *subject, *((proof.spent,) if proof else ()))
    admission = Admission(partition, spent, tuple(buckets), record, microseconds(now))
    verdict = admit(admission, mode, observing=observing)
    if not verdict.taken:
        raise refusal_of(verdict, assertions=len(assertion), subjects=len(subject))
    if guest is not None:
        _spend_at_home(guest, mode, now)
    return verdict


def _check_not_another_accounts(proof: Proof, account_id: str | None) -> None:
    """A registered key proves in its own account alone: elsewhere nobody knows what it has spent."""
    rows = AgentKey.objects.filter(thumbprint=proof.thumbprint)
    if rows.exclude(agent__account_id=account_id).exists():
        raise InvalidDpopProof("the proof is by a key of another account", uri_reason="other_key")


def _spend_at_home(proof: Proof, mode: Mode, now: datetime) -> None:
    """A key that nobody registered may come to any partition: what it spends counts in its own too."""
    spent = spend("guest", proof.thumbprint, proof.jti, expires_at_us=proof.spent.expires_at_us)
    home = Admission(partition_of(proof.thumbprint), (spent,), (), None, microseconds(now))
    verdict = admit(home, mode)
    if not verdict.taken:
        raise refusal_of(verdict, assertions=0)


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
        account_id=standing.account_id,
        own_key=proof is not None and proof.thumbprint in own_thumbprints(standing),
    )


def own_thumbprints(standing: Standing) -> set[str]:
    """Registered keys that the one read found; a thumbprint belongs to one agent for ever."""
    held = {standing.passport.key_thumbprint} if standing.passport else set()
    return held | ({standing.key.thumbprint} if standing.key else set())
