"""What many tests start from: a clock, admission that is up, keys that sign, and the cast (tests/cast.py)."""

import os
import shutil
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from django.conf import settings
from django.test import Client

from foundation import clock as the_clock
from passport.admission import memory, stores
from passport.admission.mode import microseconds
from passport.admission.models import AdmissionMode
from passport.admission.redis import client as redis_client
from passport.exchange.presented import checked
from passport.jose.signatures import generate
from passport.signing import keys, life
from tests import migrated
from tests.cast import EMBED, INFER, MODEL, Actor, TokenEndpoint, grant, hire, open_account, open_service

OUR_KEY = generate("ES256")


class Clock:
    """Stands still until a test moves it. The tests' noon is 24 November 2026."""

    def __init__(self) -> None:
        self.moment = datetime(2026, 11, 24, 12, 0, 0, 250_000, tzinfo=UTC)

    def now(self) -> datetime:
        return self.moment

    def forward(self, **span: float) -> None:
        self.moment += timedelta(**span)


@pytest.hookimpl(trylast=True)
def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    if os.environ.get("AP_TEST_EMBEDDED") == "1":
        leave_out_what_is_the_same(config, items)
    # The longest first, so that no worker is left alone with them at the end.
    items.sort(key=lambda item: item.get_closest_marker("services") is None)


@pytest.hookimpl(optionalhook=True)
def pytest_xdist_make_scheduler(config: pytest.Config, log: Any) -> Any:
    """With ``--dist loadfile``: files that share a server that is dear to start go to one worker too."""
    if config.getvalue("dist") != "loadfile":
        return None
    from xdist.scheduler import LoadFileScheduling

    class ByServer(LoadFileScheduling):
        def _split_scope(self, nodeid: str) -> str:
            return server_of(nodeid.partition("::")[0])

    return ByServer(config, log)


def server_of(path: str) -> str:
    """What the tests of a file share: the file, or a folder's fixture."""
    folder, _, name = path.rpartition("/")
    if folder == "tests/clients" or (folder == "tests/faults" and name.endswith("_gone.py")):
        return folder
    if folder == "tests/journeys" and name in {"test_readmes.py", "test_typescript.py", "test_wheel.py"}:
        return folder
    return path


def leave_out_what_is_the_same(config: pytest.Config, items: list[pytest.Item]) -> None:
    """A test without a database is the same on every kind of database: the first run has it."""
    kept = [item for item in items if touches_database(item)]
    config.hook.pytest_deselected(items=[item for item in items if not touches_database(item)])
    items[:] = kept


def touches_database(item: pytest.Item) -> bool:
    fixtures = {"db", "transactional_db", "live_server", "django_db_serialized_rollback"}
    return item.get_closest_marker("django_db") is not None or not fixtures.isdisjoint(item.fixturenames)  # type: ignore[attr-defined]


@pytest.fixture(scope="session")
def django_db_modify_db_settings(django_db_modify_db_settings_parallel_suffix: None) -> None:
    """The tests' database begins as a copy."""
    database = settings.DATABASES["default"]
    if os.environ.get("AP_TEST_EMBEDDED") == "1":
        shutil.copy(migrated.sqlite_file(), database["TEST"]["NAME"])
    else:
        database.setdefault("TEST", {})["TEMPLATE"] = migrated.database()


@pytest.fixture(scope="session")
def django_db_keepdb() -> bool:
    """A copied file is taken as it is. It goes with the run's folder."""
    return os.environ.get("AP_TEST_EMBEDDED") == "1"


@pytest.fixture(scope="session", autouse=True)
def quick_people_and_pages() -> None:
    """Half a second less for each person, and no walk through all static files for each test's client."""
    settings.PASSWORD_HASHERS = ["tests.hashing.QuickHasher", *settings.PASSWORD_HASHERS]
    settings.WHITENOISE_AUTOREFRESH = True


@pytest.fixture
def clock(monkeypatch: pytest.MonkeyPatch) -> Clock:
    still = Clock()
    monkeypatch.setattr(the_clock, "now", still.now)
    monkeypatch.setattr(the_clock, "now_us", lambda: microseconds(still.moment))
    return still


def begin_admission(since: datetime) -> None:
    """The preferred store, empty, marked from ``since``."""
    memory.STORE.clear()
    if settings.ADMISSION_REDIS_URL:
        redis_client(settings.ADMISSION_REDIS_URL).flushdb()
    preferred = stores.preferred()
    stores.mark(preferred, microseconds(since))
    AdmissionMode.objects.update_or_create(
        pk=1, defaults={"mode": preferred, "since": since, "reason": "tests"}
    )


@pytest.fixture
def house(db: None, clock: Clock) -> Iterator[None]:
    """A server that can issue: admission is up since yesterday, and a key signs."""
    begin_admission(clock.now() - timedelta(days=1))
    if not keys.SigningKey.objects.filter(use="tokens", state="active").exists():
        life.add("tokens", "ES256", "active", OUR_KEY, actor="system:tests", now=clock.now())
    keys.forget()
    checked.clear()
    yield
    keys.forget()
    checked.clear()


@pytest.fixture
def endpoint(house: None, client: Client) -> TokenEndpoint:
    return TokenEndpoint(client)


@pytest.fixture
def model(house: None):
    """The model service; embedding asks for a charged payment method, which Alice has not."""
    return open_service(MODEL, embed=("document", "charged"))[0]


@pytest.fixture
def scout(house: None, model) -> Actor:
    """Alice's agent: may infer and embed at the model service."""
    actor = hire(open_account("alice"), "scout")
    grant(actor, model, INFER, EMBED)
    return actor


@pytest.fixture
def mallory(house: None, model) -> Actor:
    """Somebody else's agent, as good as Alice's."""
    actor = hire(open_account("mallory"), "hydra")
    grant(actor, model, INFER)
    return actor


@pytest.fixture
def scouts_passport(endpoint: TokenEndpoint, scout: Actor) -> str:
    answer = endpoint.passport(scout)
    assert answer.status_code == 200, answer.content
    return answer.json()["access_token"]
