import asyncio
import json
from collections.abc import Callable, Iterator

import pytest
from django.test import AsyncClient, Client

from foundation import clock
from foundation.ledger.read import head
from passport.conf import issuer
from passport.errors import AccessDenied, InvalidToken, OAuthError
from passport.events.feed import Feed, Ring, Subscriber, history
from passport.events.stream import FEED, in_thread
from passport.events.translate import Gap, Item
from passport.events.views import read_position
from passport.fields import Effect
from passport.proofs.service_tokens import Presented, check_service_token
from passport.protocol import TYP_ACCESS_TOKEN
from passport.restrictions.models import Restriction
from passport.restrictions.place import lift, place
from passport.restrictions.publish import publish
from passport.restrictions.subjects import Subject, SubjectRef
from passport.services.models import Service
from passport.services.registration import create_service
from passport.signing import keys
from passport.status.encode import unpack
from passport.status.models import StatusDelta, StatusList
from tests.passport.population import NOON, household, signing_keys

pytestmark = pytest.mark.django_db


@pytest.fixture(autouse=True)
def signing(db: None) -> None:
    signing_keys()


def suspend(name: str) -> int:
    subject = SubjectRef(Subject.ACCOUNT, f"acc_{name}", f"acc_{name}")
    place([subject], effect=Effect.SUSPEND, reason="abuse", actor="user:usr_1", now=NOON)
    publish()
    return Restriction.objects.latest("pk").pk


def allow(restriction: int) -> None:
    lift([restriction], actor="user:usr_1", now=NOON, reason="mistake")
    publish()


def events(raw: bytes) -> Iterator[tuple[str, dict[str, object]]]:
    for block in raw.decode().split("\n\n"):
        lines = dict(line.split(": ", 1) for line in block.splitlines())
        if "event" in lines:
            yield lines["event"], json.loads(lines["data"])


class Verifier:
    """What a reader of the feed holds of list 1."""

    def __init__(self, position: int = 0) -> None:
        self.position = position
        self.content = bytes(StatusList.objects.get(number=1).content)
        self.denied: set[object] = set()

    def follow(self, items: list[Item]) -> None:
        for item in items:
            for event, data in events(item.frames):
                self.apply(event, data)
            self.position = item.position

    def apply(self, event: str, data: dict[str, object]) -> None:
        if event == "list":
            self.content = bytes(StatusList.objects.get(number=1).content)
        elif event == "denied":
            self.denied.update(data["subs"])
        elif event == "status":
            for value in ("1", "2"):
                self.set(int(value), unpack(str(data.get(value, ""))))

    def set(self, value: int, indexes: Iterator[int]) -> None:
        changed = bytearray(self.content)
        for index in indexes:
            shift = index % 4 * 2
            changed[index // 4] = changed[index // 4] & ~(3 << shift) | value << shift
        self.content = bytes(changed)


def test_whoever_resumes_after_any_position_misses_nothing() -> None:
    household("alice")
    household("mallory")
    publish()
    reader = Verifier()
    seen = {0: reader.content}
    placed = suspend("alice")
    for act in (lambda: suspend("mallory"), lambda: allow(placed), lambda: suspend("alice"), lambda: None):
        for item in history(reader.position, head(), issuer()):
            reader.follow([item])
            seen[item.position] = reader.content
        act()
    assert len(seen) > 8
    for position, content in seen.items():
        late = Verifier(position)
        late.content = content
        late.follow(list(history(position, head(), issuer())))
        assert late.content == bytes(StatusList.objects.get().content)


def test_a_suspended_accounts_agents_are_denied_by_name() -> None:
    household("alice")
    suspend("alice")
    told = [event for item in history(0, head(), issuer()) for event in events(item.frames)]
    assert ("denied", "agent_alice") in [(event, *data.get("subs", [])) for event, data in told]


def test_a_single_frame_is_small() -> None:
    household("alice")
    suspend("alice")
    assert max(len(item.frames) for item in history(0, head(), issuer())) < 1024


def test_each_position_has_its_id_on_its_last_frame_only() -> None:
    household("alice")
    suspend("alice")
    for item in history(0, head(), issuer()):
        assert item.frames.count(b"id: ") == (1 if item.frames else 0)


def test_a_delta_that_is_no_longer_held_is_a_gap() -> None:
    household("alice")
    suspend("alice")
    StatusDelta.objects.all().delete()
    with pytest.raises(Gap):
        list(history(0, head(), issuer()))


@pytest.mark.parametrize("position", [-1, 10**17])
def test_a_position_that_never_was_is_a_gap(position: int) -> None:
    with pytest.raises(Gap):
        list(history(position, 5, issuer()))


def test_one_look_serves_all_and_lifting_sends_the_whole_set() -> None:
    household("alice")
    feed = Feed(issuer)
    reader = Subscriber(asyncio.new_event_loop(), asyncio.Event(), 0)
    restriction = suspend("alice")
    feed.look()
    allow(restriction)
    feed.look()
    told = [event for item in feed.take(reader) or [] for event, _ in events(item.frames)]
    assert told[-1] == "denied-list"
    assert {"denied", "status", "list"} <= set(told)
    assert feed.look() == 0
    reader.loop.close()


def test_a_reader_that_falls_behind_the_ring_is_cut(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("passport.events.feed.RING_ITEMS", 2)
    ring = Ring()
    for position in range(5):
        ring.put(Item(position, b"x", b"x", loosened=False, marked_at=None))
    assert ring.take(2) is None
    assert [item.position for item in ring.take(3) or []] == [3, 4]


@pytest.mark.parametrize(
    ("given", "position"), [(None, None), ("", None), ("17", 17), ("x", -1), ("9" * 19, -1)]
)
def test_last_event_id_is_a_position_or_unknown(given: str | None, position: int | None) -> None:
    assert read_position(given) == position


def token(scope: str = "events.read", **changes: object) -> str:
    service, _ = create_service(
        account_id=None, name="Model", audience="https://model.example", environment="sandbox", scopes=[],
        issuer_scopes=["events.read"], actor="user:usr_1", now=NOON,
    )  # fmt: skip
    issued_at = int(clock.now().timestamp())
    claims = {
        "iss": issuer(), "aud": f"{issuer()}/v1", "sub": service.pk, "client_id": service.pk, "scope": scope,
        "iat": issued_at, "exp": issued_at + 300, "jti": "at_1",
    }  # fmt: skip
    return keys.active().sign(claims | changes, typ=TYP_ACCESS_TOKEN)


def test_a_process_that_cannot_hold_connections_says_where_the_feed_is(client: Client) -> None:
    answer = client.get("/v1/events", HTTP_AUTHORIZATION=f"Bearer {token()}")
    assert answer.status_code == 503
    assert "ASGI" in answer.json()["detail"]


@pytest.mark.parametrize(
    ("changes", "refusal", "error"),
    [
        ({"aud": "https://model.example"}, InvalidToken, "invalid_token"),
        ({"iss": "https://evil.example"}, InvalidToken, "invalid_token"),
        ({"exp": 1}, InvalidToken, "invalid_token"),
        ({"exp": "never"}, InvalidToken, "invalid_token"),
        ({"sub": "svc_unknown", "client_id": "svc_unknown"}, InvalidToken, "invalid_token"),
        ({"sub": "agent_alice", "client_id": "agent_alice"}, AccessDenied, "insufficient_scope"),
        ({"client_id": "svc_other"}, AccessDenied, "insufficient_scope"),
    ],
)
def test_a_token_that_is_not_a_services_for_us_is_refused(
    changes: dict[str, object], refusal: type[OAuthError], error: str
) -> None:
    with pytest.raises(refusal) as refused:
        check(f"Bearer {token(**changes)}")
    assert f'error="{error}"' in refused.value.headers["WWW-Authenticate"]


@pytest.mark.parametrize(
    "given", ["Bearer", "Bearer x", "Bearer a.b.c", "Basic eDp5", f"Bearer {'x' * 9000}"]
)
def test_what_is_no_token_is_refused(given: str) -> None:
    with pytest.raises(InvalidToken):
        check(given)


def test_without_credentials_the_challenge_names_no_error() -> None:
    with pytest.raises(InvalidToken) as refused:
        check(None)
    assert "error" not in refused.value.headers["WWW-Authenticate"]


def test_a_service_that_lost_the_scope_is_refused_at_once() -> None:
    given = f"Bearer {token()}"
    assert check(given).audience == "https://model.example"
    Service.objects.update(issuer_scopes="")
    with pytest.raises(AccessDenied):
        check(given)


def check(given: str | None) -> Service:
    return check_service_token(Presented(given), scope="events.read", issuer=issuer(), now=clock.now())


class TestOneConnection:
    """The view itself, under ASGI, with the thread that reads the ledger."""

    pytestmark = pytest.mark.django_db(transaction=True)

    @pytest.fixture(autouse=True)
    def ended(self, transactional_db: None) -> Iterator[None]:
        yield
        FEED.stop()

    def test_it_greets_then_tells_what_happens_then_ticks(self) -> None:
        household("alice")
        publish()
        told = asyncio.run(self.read(f"Bearer {token()}", until="tick", after_hello=lambda: suspend("alice")))
        names = [event for event, _ in told]
        assert names[:2] == ["hello", "denied-list"]
        assert {"denied", "status"} <= set(names[2:])
        assert told[0][1]["lists"] == ["https://passport.test/status/1"]

    def test_it_goes_on_behind_the_position_the_reader_has(self) -> None:
        household("alice")
        publish()
        before = head()
        suspend("alice")
        told = asyncio.run(self.read(f"Bearer {token()}", until="tick", last=str(before)))
        assert "status" in [event for event, _ in told]

    def test_a_position_nobody_can_have_means_fetching_all_lists(self) -> None:
        told = asyncio.run(self.read(f"Bearer {token()}", until="reload", last="not-a-number"))
        assert told[-1][0] == "reload"

    def test_a_stranger_gets_a_challenge(self) -> None:
        async def ask() -> int:
            return (await AsyncClient().get("/v1/events")).status_code

        assert asyncio.run(ask()) == 401

    async def read(
        self,
        authorization: str,
        *,
        until: str,
        after_hello: Callable[[], object] | None = None,
        last: str = "",
    ) -> list[tuple[str, dict[str, object]]]:
        headers = {"Authorization": authorization} | ({"Last-Event-ID": last} if last else {})
        answer = await AsyncClient().get("/v1/events", headers=headers)
        assert answer.headers["Content-Type"] == "text/event-stream"
        told: list[tuple[str, dict[str, object]]] = []
        stream = aiter(answer.streaming_content)
        async with asyncio.timeout(20):
            async for raw in stream:
                told += events(raw)
                names = [event for event, _ in told]
                if after_hello is not None and "denied-list" in names:
                    await in_thread(after_hello)
                    after_hello = None
                elif until in names and after_hello is None:
                    break
        await stream.aclose()
        return told
