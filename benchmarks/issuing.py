# ruff: noqa: E501
"""Tokens for each second of CPU, beside two peers, and introspection beside one, over real HTTP.

    python -m benchmarks.issuing [requests] [rounds] [warm-up seconds]

Every server runs as in production on this machine, one worker each: ours under granian on PostgreSQL
and Redis; npm oidc-provider (private_key_jwt, DPoP, ES256 tokens, Redis); django-oauth-toolkit
(unhashed secrets, Bearer, PostgreSQL, no middleware). CPU is that of the server's processes with
Redis and PostgreSQL, from /proc; signing by the client is done beforehand and not counted. Rounds
are interleaved, so that what else the machine does meets all alike. Median and range are told.
"""

import base64
import http.client
import json
import os
import secrets
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path
from statistics import median
from typing import Any
from urllib.parse import quote, urlencode

from tests import services

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "config.settings")
import django

django.setup()

import psycopg  # noqa: E402
from cryptography.hazmat.primitives import hashes  # noqa: E402
from cryptography.hazmat.primitives.asymmetric import ec  # noqa: E402

from passport.protocol import (  # noqa: E402
    CLIENT_CREDENTIALS,
    JWT_BEARER_ASSERTION,
    PASSPORT_TYPE,
    TOKEN_EXCHANGE,
)
from tests.cast import Key  # noqa: E402
from tests.clients.node import NODE, environment, install  # noqa: E402
from tests.processes import BIN, ROOT, clean_environment, free_port, production, started  # noqa: E402
from tests.residents import BOUND, SCOPE, Residents, settle  # noqa: E402

TICKS = os.sysconf("SC_CLK_TCK")
PEERS = ROOT / "benchmarks" / "peers"
UNLIMITED = """
from passport.limits.models import LimitPolicy
LimitPolicy.objects.all().delete()
for name, level in (("agent", "credential"), ("account", "account")):
    LimitPolicy.objects.create(
        scope="token", name=name, applies_to=level, quota=10**6, window_seconds=60, burst=10**6
    )
"""

type Request = tuple[bytes, dict[str, str]]


def descendants(pid: int) -> list[int]:
    found, parents = [pid], {}
    for entry in Path("/proc").iterdir():
        if entry.name.isdigit():
            try:
                parents[int(entry.name)] = int((entry / "stat").read_text().rsplit(")", 1)[1].split()[1])
            except (OSError, IndexError):
                continue
    for one in found:
        found += [child for child, parent in parents.items() if parent == one]
    return found


def cpu_seconds(pids: Sequence[int]) -> float:
    """User and system time of these processes and of all that they started, ended ones too."""
    total = 0
    for pid in {each for root in pids for each in descendants(root)}:
        try:
            fields = Path(f"/proc/{pid}/stat").read_text().rsplit(")", 1)[1].split()
        except OSError:
            continue
        total += int(fields[11]) + int(fields[12])
    for pid in pids:
        fields = Path(f"/proc/{pid}/stat").read_text().rsplit(")", 1)[1].split()
        total += int(fields[13]) + int(fields[14])
    return total / TICKS


@dataclass
class Contender:
    """One server and one kind of request to it."""

    name: str
    port: int
    path: str
    pids: list[int]
    make: Callable[[], Request]
    is_good: Callable[[dict[str, Any]], bool]

    def run(self, count: int) -> float:
        """Requests for each CPU-second."""
        requests = [self.make() for _ in range(count)]
        before = cpu_seconds(self.pids)
        self.send(requests)
        return count / (cpu_seconds(self.pids) - before)

    def send(self, requests: Sequence[Request]) -> None:
        connection = http.client.HTTPConnection("127.0.0.1", self.port, timeout=60)
        for body, headers in requests:
            connection.request("POST", self.path, body, headers)
            answer = connection.getresponse()
            content = answer.read()
            if answer.status != 200 or not self.is_good(json.loads(content)):
                raise SystemExit(f"{self.name}: {answer.status} {content[:500]!r}")
        connection.close()

    def warm(self, seconds: float) -> None:
        until = time.monotonic() + seconds
        while time.monotonic() < until:
            self.send([self.make() for _ in range(20)])


def form(said: dict[str, str], **headers: str) -> Request:
    kind = {"Content-Type": "application/x-www-form-urlencoded"}
    return urlencode(said, quote_via=quote).encode(), {**kind, **headers}


def by_key(key: Key, client_id: str, issuer: str, endpoint: str, **more: str) -> Request:
    """Client credentials by assertion and proof."""
    said = {
        "grant_type": CLIENT_CREDENTIALS, "scope": SCOPE, "client_assertion_type": JWT_BEARER_ASSERTION,
        "client_assertion": key.assertion(client_id, aud=issuer), **more,
    }  # fmt: skip
    return form(said, DPoP=key.proof(url=endpoint))


def basic(client_id: str, secret: str) -> str:
    return "Basic " + base64.b64encode(f"{quote(client_id)}:{quote(secret)}".encode()).decode()


def of_dpop(content: dict[str, Any]) -> bool:
    return content["token_type"] == "DPoP" and content["access_token"].count(".") == 2


@contextmanager
def ours(folder: Path, stores: list[int]) -> Iterator[list[Contender]]:
    issuer = "http://127.0.0.1:1"
    with production(folder, issuer, AP_LOG_LEVEL="ERROR") as shape:
        people: Residents = settle(shape.manage)
        done = shape.manage("shell", "-v0", "-c", UNLIMITED)
        assert done.returncode == 0, done.stderr
        port = int(shape.web().rsplit(":", 1)[1])
        pids = [*stores, *pids_listening(folder)]
        key, endpoint = Key(people.key), f"{issuer}/oauth/token"
        passport = first_token(
            port,
            by_key(key, people.agent_id, issuer, endpoint, requested_token_type=PASSPORT_TYPE),
            key,
            endpoint,
        )
        exchange = {
            "grant_type": TOKEN_EXCHANGE, "subject_token": passport, "subject_token_type": PASSPORT_TYPE,
            "resource": BOUND, "scope": SCOPE,
        }  # fmt: skip
        (service, *_) = people.services
        token = first_token(port, form(exchange, DPoP=key.proof(url=endpoint)), key, endpoint)
        look = form({"token": token}, Authorization=basic(service["id"], service["secret"]))
        yield [
            Contender(
                "ours, client credentials", port, "/oauth/token", pids,
                lambda: by_key(key, people.agent_id, issuer, endpoint, resource=BOUND), of_dpop,
            ),
            Contender(
                "ours, exchange", port, "/oauth/token", pids,
                lambda: form(exchange, DPoP=key.proof(url=endpoint)), of_dpop,
            ),
            Contender(
                "ours, introspection", port, "/oauth/introspect", pids, lambda: look, lambda content: content["active"]
            ),
        ]  # fmt: skip


def first_token(port: int, request: Request, key: Key, endpoint: str) -> str:
    """A server that began just now asks for its nonce once."""
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=60)
    body, headers = request
    for _ in range(2):
        connection.request("POST", "/oauth/token", body, headers)
        answer = connection.getresponse()
        content = json.loads(answer.read())
        if "access_token" in content:
            return str(content["access_token"])
        nonce = answer.headers["DPoP-Nonce"] or ""
        headers = {**headers, "DPoP": key.proof(url=endpoint, nonce=nonce)}
    raise SystemExit(content)


def pids_listening(folder: Path) -> list[int]:
    """The server processes whose log lies in ``folder``: granian's, found by what they write to."""
    found = []
    for entry in Path("/proc").iterdir():
        try:
            if entry.name.isdigit() and Path(os.readlink(entry / "fd" / "1")).parent == folder:
                found.append(int(entry.name))
        except OSError:
            continue
    return [pid for pid in found if parent_of(pid) not in found]


def parent_of(pid: int) -> int:
    return int(Path(f"/proc/{pid}/stat").read_text().rsplit(")", 1)[1].split()[1])


@contextmanager
def oidc_provider(folder: Path, stores: list[int]) -> Iterator[Contender]:
    install(PEERS)
    port = free_port()
    issuer, key, client_id = f"http://127.0.0.1:{port}", Key(), "bench"
    signing = ec.generate_private_key(ec.SECP256R1())
    told = {
        "issuer": issuer, "port": port, "resource": BOUND, "client": {"id": client_id, "jwk": key.jwk},
        "redis": os.environ["AP_ADMISSION_REDIS_URL"].removeprefix("unix://").partition("?")[0], "database": 50,
        "jwks": {"keys": [{**Key(signing).jwk, "d": number(signing), "alg": "ES256", "use": "sig"}]},
    }  # fmt: skip
    command = [str(NODE), str(PEERS / "provider.mjs"), json.dumps(told)]
    with started(command, environment(NODE_ENV="production"), folder / "provider.log") as process:
        wait_for_port(port)
        yield Contender(
            "npm oidc-provider, client credentials", port, "/token", [*stores, process.pid],
            lambda: by_key(key, client_id, issuer, f"{issuer}/token", resource=BOUND), of_dpop,
        )  # fmt: skip


def number(key: ec.EllipticCurvePrivateKey) -> str:
    raw = key.private_numbers().private_value.to_bytes(32, "big")
    return base64.urlsafe_b64encode(raw).rstrip(b"=").decode()


@contextmanager
def toolkit(folder: Path, stores: list[int]) -> Iterator[list[Contender]]:
    admin = os.environ["AP_DATABASE_URL"]
    name = f"peer_{secrets.token_hex(4)}"
    with psycopg.connect(admin, autocommit=True) as connection:
        connection.execute(f'CREATE DATABASE "{name}"')  # type: ignore[arg-type]
    given = clean_environment(
        PEER_SECRET=secrets.token_hex(20), PEER_DATABASE_URL=admin.rsplit("/", 1)[0] + f"/{name}"
    )
    del given["PYTHONPATH"]
    given["PYTHONPATH"] = str(ROOT)
    command = [sys.executable, "-m", "benchmarks.peers.toolkit"]
    made = subprocess.run(command, env=given, cwd=ROOT, capture_output=True, text=True, check=True)
    client = json.loads(made.stdout)
    port = free_port()
    program = [str(BIN / "granian"), "--interface", "wsgi", "--host", "127.0.0.1", "--port", str(port)]
    with started(
        [*program, "benchmarks.peers.toolkit:application"], given, folder / "toolkit.log"
    ) as process:
        wait_for_port(port)
        pids = [*stores, process.pid]
        ask = form(
            {"grant_type": "client_credentials", "scope": SCOPE},
            Authorization=basic(client["id"], client["secret"]),
        )
        caller = bearer(port, client, "introspection")
        look = form({"token": bearer(port, client, SCOPE)}, Authorization=f"Bearer {caller}")
        yield [
            Contender("django-oauth-toolkit, client credentials", port, "/token", pids, lambda: ask, bool),
            Contender(
                "django-oauth-toolkit, introspection", port, "/introspect", pids, lambda: look,
                lambda content: content["active"],
            ),
        ]  # fmt: skip
    with psycopg.connect(admin, autocommit=True) as connection:
        connection.execute(f'DROP DATABASE "{name}" WITH (FORCE)')  # type: ignore[arg-type]


def bearer(port: int, client: dict[str, str], scope: str) -> str:
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=60)
    said = {"grant_type": "client_credentials", "scope": scope}
    body, headers = form(said, Authorization=basic(client["id"], client["secret"]))
    connection.request("POST", "/token", body, headers)
    return str(json.loads(connection.getresponse().read())["access_token"])


def wait_for_port(port: int) -> None:
    deadline = time.monotonic() + 120
    while time.monotonic() < deadline:
        connection = http.client.HTTPConnection("127.0.0.1", port, timeout=5)
        try:
            connection.request("GET", "/")
            connection.getresponse().read()
            return
        except OSError:
            time.sleep(0.1)
    raise SystemExit(f"nothing answers at port {port}")


def floor_us(verifications: int, signatures: int, count: int = 300) -> float:
    """CPU of so many ES256 operations over a kilobyte, by `cryptography` alone."""
    scheme, message = ec.ECDSA(hashes.SHA256()), b"x" * 1024
    private = ec.generate_private_key(ec.SECP256R1())
    public, signature = private.public_key(), private.sign(message, scheme)
    began = time.process_time()
    for _ in range(count):
        for _ in range(verifications):
            public.verify(signature, message, scheme)
        for _ in range(signatures):
            private.sign(message, scheme)
    return (time.process_time() - began) * 1e6 / count


def told(name: str, values: Sequence[float]) -> dict[str, Any]:
    return {
        "name": name, "per_cpu_second": round(median(values)), "range": [round(min(values)), round(max(values))],
        "cpu_us": round(1e6 / median(values)),
    }  # fmt: skip


def main(count: int = 400, rounds: int = 5, warm_up: float = 15) -> dict[str, Any]:
    stores = [running.process.pid for running in services.OWNED]
    folder = Path(tempfile.mkdtemp(prefix="ap-bench-"))
    (folder / "ours").mkdir()
    with ExitStack() as stack:
        contenders = [
            *stack.enter_context(ours(folder / "ours", stores)),
            stack.enter_context(oidc_provider(folder, stores)),
            *stack.enter_context(toolkit(folder, stores)),
        ]
        for contender in contenders:
            contender.warm(warm_up)
        values: dict[str, list[float]] = {contender.name: [] for contender in contenders}
        floors = []
        for _ in range(rounds):
            for contender in contenders:
                values[contender.name].append(contender.run(count))
            floors.append(floor_us(1, 1))
    report = summary(values, floors)
    print_table(report)
    return report


def summary(values: dict[str, list[float]], floors: list[float]) -> dict[str, Any]:
    middle = {name: median(found) for name, found in values.items()}
    floor = median(floors)
    issued = middle["ours, client credentials"]
    return {
        "benchmark": "issuing",
        "rows": [told(name, found) for name, found in values.items()],
        "floor_us": round(floor),
        "ratios": {
            "tokens beside npm oidc-provider (same work)": round(
                issued / middle["npm oidc-provider, client credentials"], 2
            ),
            "exchange beside npm oidc-provider's client credentials": round(
                middle["ours, exchange"] / middle["npm oidc-provider, client credentials"], 2
            ),
            "tokens beside django-oauth-toolkit (its are Bearer)": round(
                issued / middle["django-oauth-toolkit, client credentials"], 2
            ),
            "introspection beside django-oauth-toolkit": round(
                middle["ours, introspection"] / middle["django-oauth-toolkit, introspection"], 2
            ),
            "CPU of an exchange in crypto floors": round(1e6 / middle["ours, exchange"] / floor, 2),
        },
    }


def print_table(report: dict[str, Any]) -> None:
    print(f"{'':44}{'per CPU-second':>16}{'range':>16}{'CPU us each':>14}")
    for row in report["rows"]:
        spread = f"{row['range'][0]}-{row['range'][1]}"
        print(f"{row['name']:44}{row['per_cpu_second']:>16}{spread:>16}{row['cpu_us']:>14}")
    for name, ratio in report["ratios"].items():
        print(f"{name:60}{ratio:>8}")
    print(json.dumps(report))


if __name__ == "__main__":
    given = sys.argv[1:]
    main(*(int(one) for one in given[:2]), *(float(one) for one in given[2:3]))
