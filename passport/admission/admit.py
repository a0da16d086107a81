"""The one atomic step at the end of every request that gives something out (DESIGN section 5).

Replay of every proof, all buckets and the issue record: all or nothing, in the store that
the admission mode names.
"""

from dataclasses import replace

import structlog
from prometheus_client import Counter

from foundation import clock
from passport.admission import stores
from passport.admission.contract import Admission, Mode, StoreLost, StoreUnavailable, Verdict
from passport.admission.mode import lose
from passport.errors import TemporarilyUnavailable
from passport.limits.buckets import Bucket

log = structlog.get_logger()

OUTCOMES = Counter("ap_admissions", "Admissions by what came of them", ["mode", "outcome", "level", "policy"])


def admit(admission: Admission, mode: Mode, *, observing: bool = False) -> Verdict:
    """Decide. One trip to the store; no query of its own in the modes ``redis`` and ``memory``.

    While ``observing`` a limit refuses nobody: what it would have refused is counted and logged,
    and taken all the same, without a charge and at the price of a second trip. Proofs count once.

    Raises TemporarilyUnavailable (503) when the store does not answer, and in the mode
    ``database`` beyond its share. Whether the step was taken is then unknown, so nobody tries
    again on the caller's behalf: the caller comes back with a proof of a new ``jti``. Call it
    outside of a transaction: a lost store turns the mode, and that must stay.
    """
    verdict = _decide(admission, mode)
    if verdict.refused is None or not observing:
        _count(mode, verdict)
        return verdict
    return _observe(admission, mode, verdict, verdict.refused)


def _decide(admission: Admission, mode: Mode) -> Verdict:
    try:
        return stores.decide(admission, mode.name, mode.since_us)
    except StoreLost as lost:
        lose(mode, str(lost), clock.now())
        raise _unavailable(mode, lost) from lost
    except StoreUnavailable as failure:
        raise _unavailable(mode, failure) from failure


def _observe(admission: Admission, mode: Mode, verdict: Verdict, refused: Bucket) -> Verdict:
    """Nothing was taken yet: take what is no limit."""
    OUTCOMES.labels(mode.name, "observed", refused.level, refused.name).inc()
    log.info("limit_observed", level=refused.level.value, policy=refused.name, key=refused.key)
    rest = replace(admission, buckets=(), partial=False)
    taken = _decide(rest, mode)
    if not taken.taken:
        _count(mode, taken)
        return taken
    return replace(verdict, taken=True, refused=None, retry_after_us=0, units=refused.cost)


def _unavailable(mode: Mode, failure: StoreUnavailable) -> TemporarilyUnavailable:
    log.warning("admission_unavailable", mode=mode.name, reason=str(failure))
    OUTCOMES.labels(mode.name, "unavailable", "", "").inc()
    return TemporarilyUnavailable("try again with a new jti", retry_after=failure.retry_after_seconds)


def _count(mode: Mode, verdict: Verdict) -> None:
    """Refused requests are counted, not charged (RL-03)."""
    if verdict.refused is not None:
        OUTCOMES.labels(mode.name, "refused", verdict.refused.level, verdict.refused.name).inc()
    else:
        outcome = "taken" if verdict.taken else "replayed"
        OUTCOMES.labels(mode.name, outcome, "", "").inc()
