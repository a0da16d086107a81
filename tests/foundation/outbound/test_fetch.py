import contextlib
import gzip
import socket
import ssl
import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from foundation.outbound.client import DOCUMENT, Limits, OutboundError, fetch
from tests.foundation.outbound.authority import Authority


class Hostile:
    """A server that answers each connection with one function of the socket."""

    def __init__(self, context: ssl.SSLContext | None = None) -> None:
        self.context = context
        self.threads = False
        self.listener = socket.create_server(("127.0.0.1", 0))
        self.port = self.listener.getsockname()[1]
        self.answer: Callable[[socket.socket], None] = lambda _: None
        self.seen: list[bytes] = []
        threading.Thread(target=self.serve, daemon=True).start()

    def serve(self) -> None:
        while True:
            try:
                connection, _ = self.listener.accept()
            except OSError:
                return
            if self.threads:
                threading.Thread(target=self.talk, args=(connection,), daemon=True).start()
            else:
                self.talk(connection)

    def talk(self, raw: socket.socket) -> None:
        with contextlib.suppress(OSError), raw, self.secured(raw) as connection:
            self.seen.append(connection.recv(65536))
            self.answer(connection)

    def secured(self, raw: socket.socket) -> socket.socket:
        return self.context.wrap_socket(raw, server_side=True) if self.context else raw


@pytest.fixture
def hostile() -> Iterator[Hostile]:
    server = Hostile()
    yield server
    server.listener.close()


def reply(head: str, body: bytes = b"") -> Callable[[socket.socket], None]:
    return lambda connection: connection.sendall(head.encode() + b"\r\n\r\n" + body)


def get(server: Hostile, **more: Any) -> Any:
    return fetch("GET", f"http://127.0.0.1:{server.port}/x", allow_private=True, **more)


def test_an_ordinary_answer_is_handed_over_as_it_is(hostile: Hostile) -> None:
    hostile.answer = reply("HTTP/1.1 404 Not Found\r\nContent-Length: 2", b"no")
    answer = get(hostile)
    assert (answer.status, answer.body) == (404, b"no")
    assert b"accept-encoding: identity" in hostile.seen[0].lower()


def test_a_redirect_is_not_followed(hostile: Hostile) -> None:
    hostile.answer = reply("HTTP/1.1 302 Found\r\nLocation: http://127.0.0.1:1/\r\nContent-Length: 0")
    assert get(hostile).status == 302


def test_a_body_over_the_cap_is_refused(hostile: Hostile) -> None:
    hostile.answer = reply("HTTP/1.1 200 OK\r\nContent-Length: 200000", b"x" * 200000)
    with pytest.raises(OutboundError, match="size"):
        get(hostile)


def compressed(body: bytes, coding: str = "gzip") -> Callable[[socket.socket], None]:
    return reply(f"HTTP/1.1 200 OK\r\nContent-Encoding: {coding}\r\nContent-Length: {len(body)}", body)


def test_a_body_that_came_compressed_is_unfolded(hostile: Hostile) -> None:
    hostile.answer = compressed(gzip.compress(b"document"))
    assert get(hostile).body == b"document"


def test_a_body_of_just_the_size_allowed_passes_and_a_byte_more_does_not(hostile: Hostile) -> None:
    hostile.answer = compressed(gzip.compress(b"x" * 5120))
    assert len(get(hostile, limits=DOCUMENT).body) == 5120
    hostile.answer = compressed(gzip.compress(b"x" * 5121))
    with pytest.raises(OutboundError, match="size"):
        get(hostile, limits=DOCUMENT)


@pytest.mark.parametrize(
    ("body", "coding"),
    [
        (b"\x1f\x8b", "gzip"),
        (gzip.compress(b"whole")[:-3], "gzip"),
        (gzip.compress(b"whole") + b"more", "gzip"),
        (b"plain", "gzip"),
        (b"x", "br"),
        (gzip.compress(gzip.compress(b"twice")), "gzip, gzip"),
    ],
    ids=["a head alone", "cut short", "more behind", "not compressed", "another coding", "twice"],
)
def test_a_body_compressed_badly_or_otherwise_is_refused(hostile: Hostile, body: bytes, coding: str) -> None:
    hostile.answer = compressed(body, coding)
    with pytest.raises(OutboundError, match="encoding"):
        get(hostile)


def test_no_more_than_ten_requests_are_under_way_at_once(hostile: Hostile) -> None:
    held, most, lock = 0, 0, threading.Lock()

    def hold(_: socket.socket) -> None:
        nonlocal held, most
        with lock:
            held += 1
            most = max(most, held)
        time.sleep(0.3)
        with lock:
            held -= 1

    hostile.answer = hold
    hostile.threads = True

    def ask() -> None:
        with contextlib.suppress(OutboundError):
            get(hostile, limits=Limits(seconds=2))

    askers = [threading.Thread(target=ask) for _ in range(14)]
    for asker in askers:
        asker.start()
    for asker in askers:
        asker.join()
    assert most == 10


def test_a_slow_look_up_ends_at_the_deadline(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(socket, "getaddrinfo", lambda *a, **k: time.sleep(1) or [])
    began = time.monotonic()
    with pytest.raises(OutboundError, match="timeout"):
        fetch("GET", "https://slow.example/", limits=Limits(seconds=0.2))
    assert time.monotonic() - began < 0.8


def test_a_host_that_the_operator_named_may_be_private(hostile: Hostile, settings: Any) -> None:
    settings.OUTBOUND_PRIVATE_HOSTS = [f"127.0.0.1:{hostile.port}"]
    with pytest.raises(OutboundError, match="connection"):
        fetch("GET", f"https://127.0.0.1:{hostile.port}/x")
    with pytest.raises(OutboundError, match="address"):
        fetch("GET", "https://127.0.0.1:1/x")


@pytest.mark.parametrize(("name", "outcome"), [("keys.example", "200"), ("else.example", "connection")])
def test_a_certificate_is_checked_against_the_operators_authority(
    tmp_path: Path, settings: Any, monkeypatch: pytest.MonkeyPatch, name: str, outcome: str
) -> None:
    authority = Authority(tmp_path)
    server = Hostile(authority.server("keys.example"))
    server.answer = reply("HTTP/1.1 200 OK\r\nContent-Length: 2", b"ok")
    settings.OUTBOUND_CA_FILE = str(authority.file)
    settings.OUTBOUND_PRIVATE_HOSTS = [f"{name}:{server.port}"]
    found = [(2, 1, 6, "", ("127.0.0.1", server.port))]
    monkeypatch.setattr(socket, "getaddrinfo", lambda *a, **k: found)
    assert outcome_of(f"https://{name}:{server.port}/") == outcome
    server.listener.close()


def outcome_of(url: str) -> str:
    try:
        return str(fetch("GET", url).status)
    except OutboundError as refused:
        return refused.reason


def test_a_body_that_trickles_is_cut_off_at_the_deadline(hostile: Hostile) -> None:
    def trickle(connection: socket.socket) -> None:
        connection.sendall(b"HTTP/1.1 200 OK\r\nContent-Length: 1000\r\n\r\n")
        for _ in range(100):
            connection.sendall(b"x")
            time.sleep(0.05)

    hostile.answer = trickle
    with pytest.raises(OutboundError, match="timeout"):
        get(hostile, limits=Limits(seconds=0.3))


def test_silence_is_cut_off_at_the_deadline(hostile: Hostile) -> None:
    hostile.answer = lambda _: time.sleep(1)
    with pytest.raises(OutboundError, match="timeout"):
        get(hostile, limits=Limits(seconds=0.2))


def test_what_is_no_http_is_refused(hostile: Hostile) -> None:
    hostile.answer = lambda connection: connection.sendall(b"\x00\xff" * 50)
    with pytest.raises(OutboundError, match="connection"):
        get(hostile)


@pytest.mark.parametrize(
    ("url", "reason"),
    [
        ("http://example.com/", "scheme"),
        ("ftp://example.com/", "scheme"),
        ("https://user:pw@example.com/", "url"),
        ("https://example.com/#x", "url"),
        ("https:///x", "url"),
        ("https://example.com:99999/", "url"),
        ("https://127.0.0.1/", "address"),
        ("https://[::ffff:10.0.0.1]/", "address"),
        ("https://localhost/", "address"),
        ("https://no-such-name.invalid/", "name"),
        ("https://" + "a" * 300 + "/", "name"),
    ],
)
def test_a_url_that_may_not_be_fetched_is_refused(url: str, reason: str) -> None:
    with pytest.raises(OutboundError, match=reason):
        fetch("GET", url)


def test_one_private_address_among_several_refuses_the_name(monkeypatch: pytest.MonkeyPatch) -> None:
    answers = [(2, 1, 6, "", ("1.1.1.1", 443)), (2, 1, 6, "", ("10.0.0.1", 443))]
    monkeypatch.setattr(socket, "getaddrinfo", lambda *a, **k: answers)
    with pytest.raises(OutboundError, match="address"):
        fetch("GET", "https://two-faced.example/")


@pytest.mark.refusal("CIMD-04")
def test_the_name_is_looked_up_once_and_the_checked_address_is_used(
    hostile: Hostile, monkeypatch: pytest.MonkeyPatch
) -> None:
    asked: list[str] = []

    def once(host: str, *args: object, **kwargs: object) -> list[object]:
        if host == "rebinding.example":
            asked.append(host)
        return [(2, 1, 6, "", ("127.0.0.1", hostile.port))]

    monkeypatch.setattr(socket, "getaddrinfo", once)
    hostile.answer = reply("HTTP/1.1 200 OK\r\nContent-Length: 2", b"ok")
    fetch("GET", f"http://rebinding.example:{hostile.port}/x", allow_private=True)
    assert asked == ["rebinding.example"]
    assert f"host: rebinding.example:{hostile.port}".encode() in hostile.seen[0].lower()
