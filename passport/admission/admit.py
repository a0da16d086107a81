"""The one atomic step at the end of every request that gives something out (DESIGN section 5).

Replay of every proof, all buckets and the issue record: all or nothing, in the store that
the admission mode names.
"""

from passport.admission import memory
from passport.admission.contract import Admission, Mode, Verdict

STORES = {"memory": memory.STORE.admit}


def admit(admission: Admission, mode: Mode) -> Verdict:
    """Decide. One trip to the store; no query of its own in the modes ``redis`` and ``memory``.

    Raises StoreUnavailable when the store does not answer: whether the step was taken
    is then unknown, so nobody tries again on the caller's behalf; the caller comes back with
    a proof of a new ``jti``.
    """
    return STORES[mode.name](admission)
