"""Short ways to say what admission is asked, for the tests of this folder."""

import hashlib
from itertools import count

from passport.admission.contract import Admission
from passport.limits.buckets import Bucket, Floor, Level
from passport.limits.gcra import Rate
from passport.proofs.spent import Spent

NOON_US = 1_795_000_000_000_000
SECOND = 1_000_000
SERIAL = count()


def fresh(prefix: str) -> str:
    return f"{prefix}{next(SERIAL)}"


def proof(jti: str | None = None, *, life_us: int = 60 * SECOND, now_us: int = NOON_US) -> Spent:
    return Spent(hashlib.sha256((jti or fresh("jti")).encode()).digest(), now_us + life_us)


def bucket(
    key: str, burst: int, *, cost: int = 1, emission_us: int = SECOND, floor: Floor | None = None
) -> Bucket:
    return Bucket(key, Level.ACCOUNT, key, max(burst, 1), 60, Rate(burst, emission_us), cost, floor)


def ask(*buckets: Bucket, spent: tuple[Spent, ...] = (), now_us: int = NOON_US, **more) -> Admission:
    return Admission("p042", spent, buckets, more.pop("record", None), now_us, **more)
