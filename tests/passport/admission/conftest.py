"""The three stores, each as production makes it, for one and the same test body."""

import pytest
from django.conf import settings

from passport.admission import issued, memory
from passport.admission.database import DatabaseStore
from passport.admission.memory import MemoryStore
from passport.admission.redis import RedisStore, client
from passport.credentials.models import IssueRecord
from tests import services
from tests.passport.admission.asking import NOON_US

SINCE_US = NOON_US - 1
STORES = ["memory", "database"] + (["redis"] if settings.ADMISSION_REDIS_URL else [])


class Store:
    """A store that was marked at ``SINCE_US``."""

    def __init__(self, store) -> None:
        self.store = store

    def admit(self, admission):
        return self.store.admit(admission, SINCE_US)


@pytest.fixture
def connection():
    """The Redis of admission, emptied."""
    connection = client(settings.ADMISSION_REDIS_URL)
    connection.flushdb()
    return connection


@pytest.fixture
def lone_connection(settings, tmp_path):
    """A Redis of this test alone: its policy may be changed without any other test seeing it."""
    settings.ADMISSION_REDIS_URL = services.start_redis(tmp_path, "lone")
    running = services.OWNED.pop()
    yield client(settings.ADMISSION_REDIS_URL)
    running.stop()


@pytest.fixture(params=STORES)
def store(request, db):
    memory.STORE.clear()
    if request.param == "database":
        return Store(DatabaseStore(share=1))
    made = MemoryStore() if request.param == "memory" else RedisStore(request.getfixturevalue("connection"))
    made.mark(SINCE_US)
    return Store(made)


@pytest.fixture
def records(store):
    """The jti of every record the store keeps."""
    if isinstance(store.store, DatabaseStore):
        return lambda: list(IssueRecord.objects.values_list("jti", flat=True))
    if isinstance(store.store, MemoryStore):
        return lambda: [record["jti"] for _, record in store.store.records_after(0, 10)]
    return lambda: [record["jti"] for batch in issued.read() for record in batch.records]
