"""``kill -9`` while a provider's webhook is taken in and applied: it counts, and counts once."""

import random
import signal
import sqlite3
import time
from collections.abc import Iterator
from contextlib import closing, suppress

import httpx
import pytest

from demo.browser import Browser, PageRefused
from demo.people import Developer, go_through, sign_up, wait_until_decided
from tests.processes import Embedded, embedded_server

pytestmark = pytest.mark.services

POINTS = {
    "stored, before the provider is answered": "attestation.inbox.webhooks.store:after:1",
    "fetched, before anything is written": "attestation.inbox.apply.look:after:1",
    "written, before it commits": "attestation.inbox.apply.settle:after:1",
    "committed, before the job's mark": "job/attestation.inbox.apply:after:1",
}
VERIFIED_ONCE = """
SELECT (SELECT count(*) FROM foundation_entrysubject s JOIN foundation_entry e ON e.id = s.entry_id
         WHERE s.subject_id = a.id AND e.type = 'attestation.changed'
           AND json_extract(e.payload, '$.to') = 'verified'),
       (SELECT sum(count) FROM accounts_signal g
         WHERE g.account_id = a.account_id AND g.environment = 'sandbox' AND g.kind = 'government_document'),
       (SELECT count(*) FROM attestation_providerevent v
         WHERE v.object_ref = a.subject_ref AND v.applied_at IS NULL)
  FROM attestation_attestation a WHERE a.account_id = ? AND a.kind = 'identity'
"""


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Embedded]:
    with embedded_server(tmp_path_factory.mktemp("inbox")) as running:
        yield running


@pytest.fixture
def alice(server: Embedded) -> Developer:
    return sign_up("Alice", Browser(server.issuer), format(random.getrandbits(40), "x"))


@pytest.mark.parametrize("point", POINTS.values(), ids=POINTS)
def test_a_webhook_whose_server_is_killed_is_applied_exactly_once(
    server: Embedded, alice: Developer, point: str
) -> None:
    server.stop()
    server.start(dies_at=point)
    # Where the process dies before it has answered, the browser sees a broken connection.
    with suppress(httpx.HTTPError, PageRefused):
        go_through(alice, "identity", "document", document=f"OK-{random.randrange(1, 10**9)}")
    assert server.process is not None
    assert server.process.wait(60) == -signal.SIGKILL
    server.start()
    assert "document" in wait_until_decided(alice)
    assert once_all_is_applied(server, alice.account) == (1, 1)


def once_all_is_applied(server: Embedded, account: str) -> tuple[int, int]:
    """Times verified, times the document was noted: when no delivery waits any more, for there may be several."""
    deadline = time.monotonic() + 60
    while time.monotonic() < deadline:
        ((verified, noted, waiting),) = facts(server, VERIFIED_ONCE, account)
        if not waiting:
            return verified, noted
        time.sleep(0.2)
    raise AssertionError(f"{waiting} deliveries were never applied")


def facts(server: Embedded, query: str, *values: str) -> list[tuple[int, ...]]:
    with closing(sqlite3.connect(server.folder / "agent-passport.sqlite3")) as connection:
        return connection.execute(query, values).fetchall()
