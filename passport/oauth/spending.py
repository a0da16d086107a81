"""Takes the assertion of a caller that needs nothing else from admission: it counts once (ASRT-03)."""

from datetime import datetime, timedelta

from accounts.linkage.clusters import cluster_of
from passport.admission.admit import admit
from passport.admission.contract import Admission, partition_of
from passport.admission.mode import current, microseconds
from passport.errors import InvalidClient
from passport.oauth.clients import Authenticated
from passport.proofs.assertions import FRESH, SKEW

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
    # What was used before the store began, it does not know. Without iat the latest moment counts.
    made_at = caller.issued_at or now - FRESH - SKEW
    if microseconds(made_at) < mode.since_us - SECOND:
        raise InvalidClient(UNKNOWN, uri_reason="assertion_unknown")
    admission = Admission(
        partition=partition_of(_home(caller)),
        spent=caller.spent,
        buckets=(),
        record=None,
        now_us=microseconds(now),
    )
    if not admit(admission, mode).taken:
        raise InvalidClient(REPLAYED, uri_reason="assertion_replayed")


def _home(caller: Authenticated) -> str:
    """Where the token endpoint spends the same caller's assertions: one store, whichever door it used."""
    if caller.agent is None:
        return caller.client_id
    account_id = str(caller.agent.account_id)
    return cluster_of(account_id, caller.agent.environment) or account_id
