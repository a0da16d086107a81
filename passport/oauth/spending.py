"""Takes the assertion of a caller that needs nothing else from admission: it counts once (ASRT-03)."""

from datetime import datetime, timedelta

from accounts.linkage.clusters import cluster_of
from passport.admission.admit import admit
from passport.admission.contract import Admission, Mode, partition_of
from passport.admission.mode import current, microseconds
from passport.errors import InvalidClient
from passport.exchange.charges import refusal_of
from passport.limits.buckets import Bucket
from passport.oauth.clients import Anonymous, Authenticated
from passport.proofs.assertions import FRESH, SKEW
from passport.proofs.dpop import Proof
from passport.proofs.spent import Spent

REPLAYED = "the assertion was used before: sign a new one with a new jti"
UNKNOWN = "the store of used assertions began anew: sign a new assertion now, or with an iat"


SECOND = timedelta(seconds=1) // timedelta(microseconds=1)
"""``iat`` has whole seconds: one cut down within the first second is not older than it."""


def spend(caller: Authenticated, now: datetime) -> None:
    """Spend what the caller authenticated with, in the one step that all replicas share.

    Raises InvalidClient when it was spent before, or where that cannot be known;
    TemporarilyUnavailable when the store does not answer.
    """
    if not caller.spent:
        return
    mode = current()
    _check_known(caller, mode, now)
    if not admit(_admission(_home(caller), caller.spent, (), now), mode).taken:
        raise InvalidClient(REPLAYED, uri_reason="assertion_replayed")


def spend_push(
    caller: Authenticated | Anonymous, proof: Proof | None, limit: Bucket, client_id: str, now: datetime
) -> None:
    """The same for a pushed request, with its proof and its limit: all or nothing.

    Raises InvalidDpopProof for a proof that was used before, TemporarilyUnavailable (429) over the limit.
    """
    mode, home, assertion = current(), client_id, caller.spent if isinstance(caller, Authenticated) else ()
    if isinstance(caller, Authenticated):
        _check_known(caller, mode, now)
        home = _home(caller)
    spent = (*assertion, *((proof.spent,) if proof else ()))
    verdict = admit(_admission(home, spent, (limit,), now), mode)
    if not verdict.taken:
        raise refusal_of(verdict, assertions=len(assertion))


def _check_known(caller: Authenticated, mode: Mode, now: datetime) -> None:
    """What was used before the store began, it does not know. Without iat the latest moment counts.

    Milder than the token endpoint, which also waits out assertions that are dated ahead: nothing is
    issued here, and who revokes right after an outage must not be told to wait.
    """
    made_at = caller.issued_at or now - FRESH - SKEW
    if caller.spent and microseconds(made_at) < mode.since_us - SECOND:
        raise InvalidClient(UNKNOWN, uri_reason="assertion_unknown")


def _admission(home: str, spent: tuple[Spent, ...], buckets: tuple[Bucket, ...], now: datetime) -> Admission:
    return Admission(partition_of(home), spent, buckets, None, microseconds(now))


def _home(caller: Authenticated) -> str:
    """Where the token endpoint spends the same caller's assertions: one store, whichever door it used."""
    if caller.agent is None:
        return caller.client_id
    account_id = str(caller.agent.account_id)
    return cluster_of(account_id, caller.agent.environment) or account_id
