"""The three stores of this process, by the name that the mode row gives them."""

from functools import lru_cache

from passport import conf
from passport.admission import memory
from passport.admission.contract import Admission, StoreUnavailable, Verdict
from passport.admission.database import DatabaseStore
from passport.admission.redis import RedisStore, client


def preferred() -> str:
    """What this installation is set up for: ``redis`` where it has one, else ``memory``."""
    return "redis" if conf.admission_redis_url() else "memory"


@lru_cache(maxsize=4)
def _redis_at(url: str) -> RedisStore:
    return RedisStore(client(url))


def redis_store() -> RedisStore:
    return _redis_at(conf.admission_redis_url())


def mark(name: str, since_us: int) -> None:
    """Tell the store that it has seen everything since then. Raises StoreLost."""
    if name == "redis":
        redis_store().mark(since_us)
    elif name == "memory":
        memory.STORE.mark(since_us)


def decide(admission: Admission, name: str, since_us: int) -> Verdict:
    """One trip to the store of that name. Raises StoreUnavailable, StoreLost."""
    if name == "redis" and conf.admission_redis_url():
        return redis_store().admit(admission, since_us)
    if name == "memory":
        return memory.STORE.admit(admission, since_us)
    if name == "database":
        return DatabaseStore(conf.database_share()).admit(admission, since_us)
    # The row was written by an installation that has a Redis; this process has none.
    raise StoreUnavailable(f"no store {name}")
