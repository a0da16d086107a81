"""A network of its own with hostile servers at real addresses, and what the fetcher makes of them.

Run as root within fresh network and mount namespaces: ``unshare --net --mount python <this> <folder>``.
Public addresses are put on the loopback interface, a name server of ours answers for every name,
and each scenario is one fetch. Prints ``{scenario: [outcome, seconds, connections]}`` as JSON.
"""

import contextlib
import gzip
import json
import socket
import socketserver
import ssl
import struct
import subprocess
import sys
import threading
import time
from collections.abc import Callable
from pathlib import Path

from django.conf import settings

ROOT = Path(__file__).resolve().parents[3]
sys.path.insert(0, str(ROOT))

from tests.foundation.outbound.authority import Authority  # noqa: E402

PUBLIC, OTHER_PUBLIC, PUBLIC6 = "93.184.216.34", "93.184.216.35", "2606:2800:220:1::34"
METADATA, PRIVATE = "169.254.169.254", "10.1.2.3"
PLACES = [
    PUBLIC,
    OTHER_PUBLIC,
    METADATA,
    PRIVATE,
    "100.64.0.1",
    PUBLIC6,
    "fd00::1",
    "64:ff9b::a9fe:a9fe",
    "2002:a01:203::1",
]
LEADS_TO: dict[str, list[list[str]]] = {
    "mapped": [["::ffff:10.1.2.3"]],
    "nat64": [["64:ff9b::a9fe:a9fe"]],
    "six-to-four": [["2002:a01:203::1"]],
    "teredo": [["2001:0:5db8:d822::f5fe:fdfc"]],
    "link-local": [[METADATA]],
    "link-local6": [["fe80::1"]],
    "unique-local": [["fd00::1"]],
    "private": [[PRIVATE]],
    "carrier": [["100.64.0.1"]],
    "loopback": [["127.0.0.1"]],
    "multicast": [["224.0.0.251"]],
    "multicast6": [["ff02::1"]],
    "documentation6": [["2001:db8::1"]],
    "two-faced": [[PUBLIC, PRIVATE]],
    "two-faced6": [[PUBLIC, "fd00::1"]],
    "rebinding": [[PUBLIC], [METADATA]],
    "half-dead": [["93.184.216.99", PUBLIC]],
    "crowd": [[f"93.184.217.{last}" for last in range(1, 40)]],
    "honest6": [[PUBLIC6]],
    "other-certificate": [[OTHER_PUBLIC]],
}
SECONDS = 1.0


class Seen:
    def __init__(self) -> None:
        self.connections: list[str] = []
        self.requests: list[str] = []
        self.questions: dict[str, int] = {}


SEEN = Seen()
BODY = b'{"ok":true}'


def head(*lines: str, status: str = "200 OK") -> bytes:
    return "\r\n".join([f"HTTP/1.1 {status}", *lines, "", ""]).encode()


def send_honest(wire: socket.socket) -> None:
    wire.sendall(
        head("Content-Type: application/json", f"Content-Length: {len(BODY)}", "Set-Cookie: a=b") + BODY
    )


def send_redirect(wire: socket.socket) -> None:
    wire.sendall(head(f"Location: https://{METADATA}/latest", "Content-Length: 0", status="302 Found"))


def send_bomb(wire: socket.socket) -> None:
    bomb = gzip.compress(b"\0" * 50_000_000, 9)
    wire.sendall(head("Content-Encoding: gzip", f"Content-Length: {len(bomb)}") + bomb)


def send_flood(wire: socket.socket) -> None:
    wire.sendall(b"HTTP/1.1 200 OK\r\n")
    for number in range(100_000):
        wire.sendall(f"X-{number}: {'y' * 100}\r\n".encode())


def send_endless(wire: socket.socket) -> None:
    wire.sendall(head("Transfer-Encoding: chunked"))
    while True:
        wire.sendall(b"1000\r\n" + b"x" * 4096 + b"\r\n")


def send_continues(wire: socket.socket) -> None:
    while True:
        wire.sendall(head(status="103 Early Hints"))


def drip(content: bytes) -> Callable[[socket.socket], None]:
    def send(wire: socket.socket) -> None:
        for place in range(len(content)):
            wire.sendall(content[place : place + 1])
            time.sleep(0.1)

    return send


def send_nothing(wire: socket.socket) -> None:
    time.sleep(5)


ANSWERS: dict[str, Callable[[socket.socket], None]] = {
    "redirect": send_redirect,
    "bomb": send_bomb,
    "header-flood": send_flood,
    "endless": send_endless,
    "continues": send_continues,
    "drips-head": drip(head("Content-Length: 2") + b"{}"),
    "drips-body": lambda wire: (wire.sendall(head("Content-Length: 99")), drip(b"x" * 99)(wire))[0],  # type: ignore[func-returns-value]
    "silent": send_nothing,
}


def serve(address: str, context: ssl.SSLContext) -> None:
    family = socket.AF_INET6 if ":" in address else socket.AF_INET
    listener = socket.create_server((address, 443), family=family)

    def talk(raw: socket.socket) -> None:
        names: list[str] = []
        context.sni_callback = lambda sock, name, ctx: names.append(name or "") or None
        with contextlib.suppress(OSError), raw, context.wrap_socket(raw, server_side=True) as wire:
            request = wire.recv(65536).decode("latin-1")
            SEEN.requests.append(f"SNI: {names[-1]}\r\n{request}")
            host = request.partition("\r\nHost: ")[2].partition("\r\n")[0].partition(".")[0]
            ANSWERS.get(host, send_honest)(wire)

    def accept() -> None:
        while True:
            raw, _ = listener.accept()
            SEEN.connections.append(address)
            threading.Thread(target=talk, args=(raw,), daemon=True).start()

    threading.Thread(target=accept, daemon=True).start()


class NameServer(socketserver.BaseRequestHandler):
    """Answers for every name; the next answer for a name may differ from the last."""

    def handle(self) -> None:
        question, wire = self.request
        place, labels = 12, []
        while question[place]:
            labels.append(question[place + 1 : place + 1 + question[place]].decode().lower())
            place += question[place] + 1
        kind = struct.unpack(">H", question[place + 1 : place + 3])[0]
        if labels[0] == "never-answers":
            return
        turns = LEADS_TO.get(labels[0], [[PUBLIC]])
        asked = SEEN.questions.get(f"{labels[0]}/{kind}", 0)
        SEEN.questions[f"{labels[0]}/{kind}"] = asked + 1
        family = {1: socket.AF_INET, 28: socket.AF_INET6}.get(kind)
        chosen = turns[min(asked, len(turns) - 1)]
        records = [
            address for address in chosen if family == (socket.AF_INET6 if ":" in address else socket.AF_INET)
        ]
        answer = (
            question[:2] + struct.pack(">HHHHH", 0x8180, 1, len(records), 0, 0) + question[12 : place + 5]
        )
        for address in records:
            data = socket.inet_pton(family, address)
            answer += struct.pack(">HHHIH", 0xC00C, kind, 1, 0, len(data)) + data
        wire.sendto(answer, self.client_address)


def set_up(folder: Path) -> None:
    (folder / "resolv.conf").write_text("nameserver 127.0.0.1\noptions timeout:2 attempts:1\n")
    commands = [
        ["mount", "--bind", str(folder / "resolv.conf"), "/etc/resolv.conf"],
        ["ip", "link", "set", "lo", "up"],
    ]
    commands += [
        ["ip", "addr", "add", place, "dev", "lo", *(["nodad"] if ":" in place else [])] for place in PLACES
    ]
    # Without a way out an unknown address fails at once, as it does where there is no such network.
    for command in commands:
        subprocess.run(command, check=True, capture_output=True)
    authority = Authority(folder)
    for place in PLACES:
        serve(place, authority.server("else.example" if place == OTHER_PUBLIC else "*.tests.example"))
    names = socketserver.ThreadingUDPServer(("127.0.0.1", 53), NameServer)
    threading.Thread(target=names.serve_forever, daemon=True).start()
    settings.configure(OUTBOUND_CA_FILE=str(authority.file), OUTBOUND_PRIVATE_HOSTS=[])


def outcome(name: str) -> list[object]:
    from foundation.outbound.client import Limits, OutboundError, fetch

    before, began = len(SEEN.connections), time.monotonic()
    try:
        answer = fetch(
            "GET", f"https://{name}.tests.example/document", limits=Limits(seconds=SECONDS, bytes=5120)
        )
        result = f"{answer.status} {answer.body.decode()}"
    except OutboundError as refused:
        result = refused.reason
    return [result, round(time.monotonic() - began, 2), SEEN.connections[before:]]


def main(folder: Path) -> None:
    set_up(folder)
    found = {"honest": outcome("honest")}
    request = SEEN.requests[-1]
    found["rebinding-then"] = outcome("rebinding")
    rebound = SEEN.questions["rebinding/1"]
    found |= {name: outcome(name) for name in (*LEADS_TO, *ANSWERS, "never-answers")}
    print(json.dumps({"outcomes": found, "request": request, "questions_for_one_fetch": rebound}))


if __name__ == "__main__":
    main(Path(sys.argv[1]))
