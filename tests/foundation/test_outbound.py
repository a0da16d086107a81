import contextlib
import ipaddress
import socket
import threading
import time
from collections.abc import Callable, Iterator
from typing import Any

import pytest

from foundation.outbound.addresses import is_public
from foundation.outbound.client import Limits, OutboundError, fetch

FORBIDDEN = [
    "127.0.0.1", "10.1.2.3", "172.16.0.1", "192.168.1.1", "169.254.169.254", "100.64.0.1", "0.0.0.0",
    "224.0.0.1", "255.255.255.255", "192.0.2.1", "::1", "::", "fe80::1", "fc00::1", "ff02::1",
    "::ffff:127.0.0.1", "::ffff:10.0.0.1", "64:ff9b::7f00:1", "64:ff9b::a9fe:a9fe", "64:ff9b:1::1",
    "2002:7f00:1::", "2002:a00:1::", "2001:0:7f00:1::", "2001:db8::1",
]  # fmt: skip
PUBLIC = ["93.184.216.34", "1.1.1.1", "2606:4700:4700::1111", "::ffff:1.1.1.1", "64:ff9b::101:101"]


@pytest.mark.parametrize("address", FORBIDDEN)
def test_an_address_that_is_not_public_is_refused(address: str) -> None:
    assert not is_public(ipaddress.ip_address(address))


@pytest.mark.parametrize("address", PUBLIC)
def test_a_public_address_is_admitted(address: str) -> None:
    assert is_public(ipaddress.ip_address(address))


class Hostile:
    """A server that answers each connection with one function of the socket."""

    def __init__(self) -> None:
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
            with connection:
                self.seen.append(connection.recv(65536))
                with contextlib.suppress(OSError):
                    self.answer(connection)


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


def test_a_compressed_body_is_refused_before_it_unfolds(hostile: Hostile) -> None:
    hostile.answer = reply("HTTP/1.1 200 OK\r\nContent-Encoding: gzip\r\nContent-Length: 2", b"\x1f\x8b")
    with pytest.raises(OutboundError, match="encoding"):
        get(hostile)


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
