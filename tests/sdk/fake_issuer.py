"""A small issuer on loopback for the SDK's own tests: real HTTP, real signatures, no Django.

It signs and reads with PyJWT, so that the SDK is held against another hand than its own.
"""

import contextlib
import json
import queue
import secrets
import threading
import time
import zlib
from collections import Counter
from collections.abc import Callable
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any
from urllib.parse import parse_qs

import jwt
from cryptography.hazmat.primitives.asymmetric import ec

from agent_passport import AgentKey
from tests.sdk.encoding import b64, jwk_of, packed, thumbprint_of

LIST = 1
ENTRIES = 1024


class FakeIssuer:
    def __init__(self) -> None:
        self.private = ec.generate_private_key(ec.SECP256R1())
        self.kid = thumbprint_of(self.private.public_key())
        self.published_keys = [self.private]
        self.ahead = 0.0
        """Seconds by which the issuer's clock is before the test's."""
        self.nonce: str | None = None
        self.scripted: list[tuple[int, dict[str, str], dict[str, Any]]] = []
        self.calls: Counter[str] = Counter()
        self.spent: set[str] = set()
        self.forms: list[dict[str, str]] = []
        self.scope = "echo:read model:infer"
        self.expires_in = 300
        self.delay = 0.0
        self.ledger = 10
        self.statuses = {LIST: bytearray(ENTRIES // 4)}
        self.list_changes: dict[str, Any] = {}
        self.list_header: dict[str, Any] = {}
        self.denied: list[str] = []
        self.blocks: Callable[[dict[str, Any]], dict[str, Any]] = generous
        self.reports: list[dict[str, Any]] = []
        self.usage_answers: list[tuple[int, dict[str, str]]] = []
        self.feed = Feed(self)
        self.server: ThreadingHTTPServer | None = None
        self.connections: set[Any] = set()
        self.port = 0
        self.start()

    # Life.

    def start(self) -> None:
        self.server = Server(("127.0.0.1", self.port), handler_of(self))
        self.port = self.server.server_address[1]
        self.url = f"http://127.0.0.1:{self.port}"
        threading.Thread(target=self.server.serve_forever, args=(0.01,), daemon=True).start()

    def stop(self) -> None:
        if self.server:
            self.server.shutdown()
            self.server.server_close()
            self.feed.cut()
            for connection in list(self.connections):
                with contextlib.suppress(OSError):
                    connection.shutdown(2)
            self.server = None

    def now(self) -> float:
        return time.time() + self.ahead

    # What it signs.

    def sign(self, claims: dict[str, Any], *, typ: str, key: Any = None, **header: Any) -> str:
        key = key or self.private
        return jwt.encode(
            claims,
            key,
            algorithm="ES256",
            headers={"typ": typ, "kid": thumbprint_of(key.public_key()), **header},
        )

    def access_claims(self, key: AgentKey, audience: str, **changes: Any) -> dict[str, Any]:
        now = int(self.now())
        claims = {
            "iss": self.url,
            "sub": "agent_alice1",
            "client_id": "agent_alice1",
            "aud": audience,
            "iat": now,
            "exp": now + 300,
            "jti": secrets.token_urlsafe(8),
            "scope": self.scope,
            "cnf": {"jkt": key.thumbprint},
            "account": "pair_alice",
            "limits": [{"scope": "model:infer", "policy": "minute", "q": 2, "w": 60}],
            "status": {"status_list": {"idx": 7, "uri": self.list_uri()}},
        }
        claims.update(changes)
        return {name: value for name, value in claims.items() if value is not None}

    def access_token(self, key: AgentKey, audience: str, **changes: Any) -> str:
        return self.sign(self.access_claims(key, audience, **changes), typ="at+jwt")

    def list_uri(self, number: int = LIST) -> str:
        return f"{self.url}/status/{number}"

    def list_token(self, number: int = LIST) -> str:
        now = int(self.now())
        claims = {
            "iss": self.url,
            "sub": self.list_uri(number),
            "iat": now,
            "exp": now + 300,
            "ttl": 60,
            "ledger": self.ledger,
            "status_list": {"bits": 2, "lst": b64(zlib.compress(bytes(self.statuses[number]), 1))},
        }
        claims.update(self.list_changes)
        return self.sign(claims, **{"typ": "statuslist+jwt", **self.list_header})

    def denied_token(self) -> str:
        now = int(self.now())
        claims = {"iss": self.url, "iat": now, "exp": now + 300, "ledger": self.ledger, "subs": self.denied}
        return self.sign(claims, typ="agent-passport-denied+jwt")

    # What happens to credentials.

    def mark(self, index: int, value: int, number: int = LIST) -> None:
        """Write the status into the list, without telling the feed."""
        bits = self.statuses[number]
        shift = 2 * (index % 4)
        bits[index // 4] = bits[index // 4] & ~(3 << shift) | value << shift

    def tighten(self, index: int, value: int, number: int = LIST) -> None:
        self.ledger += 1
        self.mark(index, value, number)
        data = {"uri": self.list_uri(number), "bits": 2, "ledger": self.ledger, str(value): packed([index])}
        self.feed.publish("status", data)

    def loosen(self, index: int, number: int = LIST) -> None:
        self.ledger += 1
        self.mark(index, 0, number)
        self.feed.publish("list", {"uri": self.list_uri(number), "ledger": self.ledger})

    def deny(self, *subs: str) -> None:
        self.ledger += 1
        self.denied += subs
        self.feed.publish("denied", {"ledger": self.ledger, "subs": list(subs)})

    # Its doors.

    def told_usage(self, raw: str) -> tuple[int, dict[str, str]]:
        self.reports.append(json.loads(raw))
        return self.usage_answers.pop(0) if self.usage_answers else (200, {})

    def token(self, form: dict[str, str], headers: Any) -> tuple[int, dict[str, str], dict[str, Any]]:
        time.sleep(self.delay)
        self.forms.append(form)
        if headers.get("Authorization", "").startswith("Basic "):
            self.calls["service_token"] += 1
            return (
                200,
                {},
                {"access_token": "service-token", "token_type": "Bearer", "expires_in": 300, "scope": ""},
            )
        proof = jwt.decode(
            headers["DPoP"],
            jwt.PyJWK(jwt.get_unverified_header(headers["DPoP"])["jwk"]).key,
            algorithms=["ES256", "EdDSA"],
            options={"verify_iat": False},
        )
        if proof["jti"] in self.spent:
            return 400, {}, {"error": "invalid_dpop_proof", "error_description": "replayed"}
        self.spent.add(proof["jti"])
        if self.scripted:
            return self.scripted.pop(0)
        nonce = {"DPoP-Nonce": self.nonce} if self.nonce else {}
        if self.nonce and proof.get("nonce") != self.nonce:
            return 400, nonce, {"error": "use_dpop_nonce", "error_description": "take the new nonce"}
        if not -60 <= proof["iat"] - self.now() <= 30:
            return 400, nonce, {"error": "invalid_dpop_proof", "error_description": "iat is off"}
        return self.issue(form, nonce)

    def issue(
        self, form: dict[str, str], nonce: dict[str, str]
    ) -> tuple[int, dict[str, str], dict[str, Any]]:
        answer = {"expires_in": self.expires_in, "scope": form.get("scope", self.scope)}
        if form["grant_type"] == "client_credentials":
            claims = jwt.decode(form["client_assertion"], options={"verify_signature": False})
            if abs(claims["iat"] - self.now()) > 300 or claims["aud"] != self.url:
                return 401, nonce, {"error": "invalid_client", "error_description": "assertion too old"}
            self.calls["passport"] += 1
            answer |= {
                "access_token": f"passport-{self.calls['passport']}",
                "token_type": "N_A",
                "expires_in": 2592000,
            }
        else:
            self.calls["exchange"] += 1
            answer |= {"access_token": f"access-{self.calls['exchange']}", "token_type": "DPoP"}
        return 200, nonce, answer

    def device(self) -> dict[str, Any]:
        page = f"{self.url}/device"
        return {
            "device_code": "apd_secret",
            "user_code": "BCDF-GHJK",
            "verification_uri": page,
            "verification_uri_complete": f"{page}?user_code=BCDF-GHJK",
            "expires_in": 900,
            "interval": 5,
        }

    def keys(self) -> dict[str, Any]:
        return {
            "keys": [jwk_of(key.public_key()) | {"use": "sig", "alg": "ES256"} for key in self.published_keys]
        }


def generous(asked: dict[str, Any]) -> dict[str, Any]:
    policies = [{"name": "minute", "q": 60, "w": 60, "r": 12, "t": 7}]
    return {"granted": asked["units"], "expires_in_ms": 1000, "policies": policies, "retry_after": 0}


class Feed:
    """The event stream: remembers its frames, so that a reader may resume."""

    def __init__(self, issuer: FakeIssuer) -> None:
        self.issuer = issuer
        self.frames: list[tuple[int, str]] = []
        self.readers: list[queue.Queue[str | None]] = []
        self.resumed_from: list[str | None] = []
        self.held_from = 0
        self.refuse = False
        self.silent = False
        self.lock = threading.Lock()

    def publish(self, event: str, data: dict[str, Any]) -> None:
        with self.lock:
            frame = self.frame(event, data)
            self.frames.append((data["ledger"], frame))
            for reader in self.readers:
                reader.put(frame)

    def frame(self, event: str, data: dict[str, Any]) -> str:
        return f"id: {data['ledger']}\nevent: {event}\ndata: {json.dumps(data)}\n\n"

    def cut(self) -> None:
        for reader in list(self.readers):
            reader.put(None)

    def stream(self, last: str | None, write: Callable[[str], None]) -> None:
        mine: queue.Queue[str | None] = queue.Queue()
        with self.lock:
            self.resumed_from.append(last)
            write("retry: 50\n\n" + self.hello())
            missed = [frame for number, frame in self.frames if last is not None and number > int(last)]
            if last is not None and int(last) < self.held_from:
                missed = [self.frame("reload", {"ledger": self.issuer.ledger})]
            self.readers.append(mine)
        try:
            for frame in missed:
                write(frame)
            data = {"ledger": self.issuer.ledger, "token": self.issuer.denied_token()}
            write(self.frame("denied-list", data))
            self.send_on(mine, write)
        finally:
            self.readers.remove(mine)

    def hello(self) -> str:
        lists = [self.issuer.list_uri(number) for number in self.issuer.statuses]
        return self.frame("hello", {"ledger": self.issuer.ledger, "lists": lists})

    def send_on(self, mine: "queue.Queue[str | None]", write: Callable[[str], None]) -> None:
        while True:
            try:
                frame = mine.get(timeout=0.1)
            except queue.Empty:
                if self.silent:
                    continue
                frame = self.frame("tick", {"ledger": self.issuer.ledger, "time": int(self.issuer.now())})
            if frame is None:
                return
            write(frame)


class Server(ThreadingHTTPServer):
    daemon_threads = True
    allow_reuse_address = True
    request_queue_size = 256

    def handle_error(self, request: Any, client_address: Any) -> None:
        """A reader that hung up is no news."""


def handler_of(issuer: FakeIssuer) -> type[BaseHTTPRequestHandler]:
    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"
        disable_nagle_algorithm = True

        def setup(self) -> None:
            super().setup()
            issuer.connections.add(self.connection)

        def finish(self) -> None:
            issuer.connections.discard(self.connection)
            super().finish()

        def log_message(self, format: str, *args: object) -> None:
            pass

        def date_time_string(self, timestamp: float | None = None) -> str:
            return super().date_time_string(issuer.now() if timestamp is None else timestamp)

        def answer(self, status: int, body: bytes, kind: str, headers: dict[str, str] | None = None) -> None:
            self.send_response(status)
            self.send_header("Content-Type", kind)
            self.send_header("Content-Length", str(len(body)))
            for name, value in (headers or {}).items():
                self.send_header(name, value)
            self.end_headers()
            self.wfile.write(body)

        def answer_json(self, body: Any, status: int = 200, headers: dict[str, str] | None = None) -> None:
            self.answer(status, json.dumps(body).encode(), "application/json", headers)

        def do_POST(self) -> None:
            raw = self.rfile.read(int(self.headers["Content-Length"])).decode()
            if self.path == "/oauth/token":
                form = {name: values[0] for name, values in parse_qs(raw).items()}
                status, headers, body = issuer.token(form, self.headers)
                self.answer_json(body, status, headers)
            elif self.path == "/oauth/device_authorization":
                issuer.calls["device"] += 1
                self.answer_json(issuer.device())
            elif self.path == "/v1/limits/blocks":
                issuer.calls["blocks"] += 1
                self.answer_json(issuer.blocks(json.loads(raw)))
            elif self.path == "/v1/usage":
                status, headers = issuer.told_usage(raw)
                self.answer_json({"id": "", "accepted": 1, "unknown": []}, status, headers)

        def do_GET(self) -> None:
            path = self.path.partition("?")[0]
            issuer.calls[path] += 1
            if path == "/.well-known/jwks.json":
                self.answer_json(issuer.keys())
            elif path == "/.well-known/oauth-authorization-server":
                self.answer_json({"issuer": issuer.url})
            elif path == "/status":
                self.answer_json({"status_lists": [issuer.list_uri(number) for number in issuer.statuses]})
            elif path.startswith("/status/") and int(path[8:]) in issuer.statuses:
                self.answer(200, issuer.list_token(int(path[8:])).encode(), "application/statuslist+jwt")
            elif path == "/v1/events" and not issuer.feed.refuse:
                self.events()
            else:
                self.answer_json({"error": "not found"}, 404)

        def events(self) -> None:
            self.send_response(200)
            self.send_header("Content-Type", "text/event-stream")
            self.send_header("Connection", "close")
            self.end_headers()
            self.close_connection = True
            issuer.feed.stream(self.headers["Last-Event-ID"], self.write)

        def write(self, frame: str) -> None:
            self.wfile.write(frame.encode())
            self.wfile.flush()

    return Handler
