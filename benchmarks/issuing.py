# ruff: noqa: E501
"""Tokens for each second of CPU, beside two peers, and introspection beside one, over real HTTP.

    python -m benchmarks.issuing [requests] [rounds] [warm-up seconds]

Every server runs as in production on this machine, one worker each: ours under granian on PostgreSQL
and Redis; npm oidc-provider (private_key_jwt, DPoP, ES256 tokens, Redis); django-oauth-toolkit
(unhashed secrets, Bearer, PostgreSQL, no middleware). CPU is that of the server's processes with
Redis and PostgreSQL, from /proc; signing by the client is done beforehand and not counted. Rounds
are interleaved, so that what else the machine does meets all alike. Median and range are told.
Beside each of ours stands its crypto floor of the same run: the very verifications and signatures
that the request needs, by `cryptography` alone. Some five minutes on two idle cores.
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
from collections.abc import Callable, Iterator, Mapping, Sequence
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

CREDENTIALS, EXCHANGE, INTROSPECTION = "ours, client credentials", "ours, exchange", "ours, introspection"
PROVIDER = "npm oidc-provider, client credentials"
TOOLKIT = "django-oauth-toolkit, client credentials"
TOOLKIT_INTROSPECTION = "django-oauth-toolkit, introspection"
OPERATIONS = {CREDENTIALS: (2, 1), EXCHANGE: (1, 1), INTROSPECTION: (1, 0)}
"""Verifications and signatures that a request needs: an assertion, a proof, a token. A passport that was
seen before is not verified again."""

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
    pids: Mapping[str, list[int]]
    """By what they are: ``server``, ``PostgreSQL``, ``Redis``."""
    make: Callable[[], Request]
    is_good: Callable[[dict[str, Any]], bool]

    def run(self, count: int) -> dict[str, float]:
        """CPU of one request in microseconds, by what spent it."""
        requests = [self.make() for _ in range(count)]
        before = {part: cpu_seconds(pids) for part, pids in self.pids.items()}
        self.send(requests)
        return {part: (cpu_seconds(pids) - before[part]) * 1e6 / count for part, pids in self.pids.items()}

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
def ours(folder: Path, stores: dict[str, list[int]]) -> Iterator[list[Contender]]:
    issuer = "http://127.0.0.1:1"
    with production(folder, issuer, AP_LOG_LEVEL="ERROR") as shape:
        people: Residents = settle(shape.manage)
        done = shape.manage("shell", "-v0", "-c", UNLIMITED)
        assert done.returncode == 0, done.stderr
        port = int(shape.web().rsplit(":", 1)[1])
        pids = {"server": pids_listening(folder), **stores}
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
                CREDENTIALS, port, "/oauth/token", pids,
                lambda: by_key(key, people.agent_id, issuer, endpoint, resource=BOUND), of_dpop,
            ),
            Contender(
                EXCHANGE, port, "/oauth/token", pids,
                lambda: form(exchange, DPoP=key.proof(url=endpoint)), of_dpop,
            ),
            Contender(
                INTROSPECTION, port, "/oauth/introspect", pids, lambda: look, lambda content: content["active"]
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
def oidc_provider(folder: Path, stores: dict[str, list[int]]) -> Iterator[Contender]:
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
            PROVIDER, port, "/token", {"server": [process.pid], **stores},
            lambda: by_key(key, client_id, issuer, f"{issuer}/token", resource=BOUND), of_dpop,
        )  # fmt: skip


def number(key: ec.EllipticCurvePrivateKey) -> str:
    raw = key.private_numbers().private_value.to_bytes(32, "big")
    return base64.urlsafe_b64encode(raw).rstrip(b"=").decode()


@contextmanager
def toolkit(folder: Path, stores: dict[str, list[int]]) -> Iterator[list[Contender]]:
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
        pids = {"server": [process.pid], **stores}
        ask = form(
            {"grant_type": "client_credentials", "scope": SCOPE},
            Authorization=basic(client["id"], client["secret"]),
        )
        caller = bearer(port, client, "introspection")
        look = form({"token": bearer(port, client, SCOPE)}, Authorization=f"Bearer {caller}")
        yield [
            Contender(TOOLKIT, port, "/token", pids, lambda: ask, bool),
            Contender(
                TOOLKIT_INTROSPECTION, port, "/introspect", pids, lambda: look,
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


def told(name: str, found: Sequence[Mapping[str, float]]) -> dict[str, Any]:
    """Median and range of the rounds; the parts are medians too, so they need not add up exactly."""
    each = [sum(parts.values()) for parts in found]
    return {
        "name": name,
        "per_cpu_second": round(1e6 / median(each)),
        "range": [round(1e6 / max(each)), round(1e6 / min(each))],
        "cpu_us": round(median(each)),
        "parts_us": {part: round(median(parts[part] for parts in found)) for part in found[0]},
    }


def main(count: int = 400, rounds: int = 5, warm_up: float = 15) -> dict[str, Any]:
    database, *redis = (running.process.pid for running in services.OWNED)
    stores = {"PostgreSQL": [database], "Redis": redis}
    folder = Path(tempfile.mkdtemp(prefix="ap-bench-"))
    (folder / "ours").mkdir()
    with ExitStack() as stack:
        contenders = [
            *stack.enter_context(ours(folder / "ours", stores)),
            stack.enter_context(oidc_provider(folder, stores)),
            *stack.enter_context(toolkit(folder, stores)),
        ]
        for contender in contenders:
            same = [other for other in contenders if other.port == contender.port]
            contender.warm(warm_up / len(same))
        values: dict[str, list[dict[str, float]]] = {contender.name: [] for contender in contenders}
        floors: dict[str, list[float]] = {name: [] for name in OPERATIONS}
        for _ in range(rounds):
            for contender in contenders:
                values[contender.name].append(contender.run(count))
            for name, operations in OPERATIONS.items():
                floors[name].append(floor_us(*operations))
    report = summary(values, floors)
    print_table(report)
    return report


def summary(
    values: Mapping[str, Sequence[Mapping[str, float]]], floors: Mapping[str, Sequence[float]]
) -> dict[str, Any]:
    rows = [told(name, found) for name, found in values.items()]
    cost = {row["name"]: row["cpu_us"] for row in rows}
    floor = {name: median(found) for name, found in floors.items()}

    def times(ours: str, peer: str) -> float:
        return round(cost[peer] / cost[ours], 2)

    return {
        "benchmark": "issuing",
        "rows": rows,
        "floors_us": {name: round(found) for name, found in floor.items()},
        "ratios": {
            "client credentials beside npm oidc-provider (same work)": times(CREDENTIALS, PROVIDER),
            "exchange beside npm oidc-provider's client credentials": times(EXCHANGE, PROVIDER),
            "client credentials beside django-oauth-toolkit (its are Bearer)": times(CREDENTIALS, TOOLKIT),
            "exchange beside django-oauth-toolkit (its are Bearer)": times(EXCHANGE, TOOLKIT),
            "introspection beside django-oauth-toolkit": times(INTROSPECTION, TOOLKIT_INTROSPECTION),
            **{f"CPU in crypto floors: {name}": round(cost[name] / floor[name], 2) for name in floor},
        },
    }


def print_table(report: dict[str, Any]) -> None:
    print(f"{'':42}{'per CPU-second':>16}{'range':>12}{'CPU us':>8}   of which")
    for row in report["rows"]:
        spread = f"{row['range'][0]}-{row['range'][1]}"
        parts = ", ".join(f"{part} {spent}" for part, spent in row["parts_us"].items())
        print(f"{row['name']:42}{row['per_cpu_second']:>16}{spread:>12}{row['cpu_us']:>8}   {parts}")
    for name, floor in report["floors_us"].items():
        verifications, signatures = OPERATIONS[name]
        print(f"crypto floor of {name}: {floor} us ({verifications} verified, {signatures} signed)")
    for name, ratio in report["ratios"].items():
        print(f"{name:66}{ratio:>8}")
    print(json.dumps(report))


if __name__ == "__main__":
    given = sys.argv[1:]
    main(*(int(one) for one in given[:2]), *(float(one) for one in given[2:3]))
