"""The production shape on servers of its own, which a test may stop: web, worker, beat and the record's numbering."""

import json
import secrets
import subprocess
import sys
import time
from base64 import b64encode
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import httpx
import psycopg
import redis
from cryptography.hazmat.primitives.serialization import load_pem_private_key

from tests.cast import ISSUER, MODEL, Key, TokenEndpoint
from tests.faults.servers import Postgres, Redis
from tests.processes import BIN, MADE_READY, ROOT, clean_environment, free_port, wait_until_ready

PATIENCE_SECONDS = 120
PEOPLE = """
import json
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat
from tests.cast import EMBED, INFER, grant, hire, open_account, open_service
service, secret = open_service()
told = {"service": [service.pk, secret], "agents": {}}
for name in ("alice", "bob", "carol", "mallory"):
    actor = hire(open_account(name), name)
    grant(actor, service, INFER)
    pem = actor.key.handle.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption()).decode()
    told["agents"][name] = [actor.id, actor.account.pk, pem]
print(json.dumps(told))
"""


@dataclass(frozen=True)
class Member:
    """An agent as its SDK knows it: ``TokenEndpoint`` takes it for an ``Actor``."""

    id: str
    account_id: str
    key: Key

    def authenticated(self) -> dict[str, str]:
        kind = "urn:ietf:params:oauth:client-assertion-type:jwt-bearer"
        return {"client_assertion_type": kind, "client_assertion": self.key.assertion(self.id)}


class Door:
    """Sends what Django's test client would be given over a real connection."""

    def __init__(self, url: str) -> None:
        self.http = httpx.Client(base_url=url, timeout=30)

    def post(
        self, path: str, body: str, *, content_type: str, HTTP_DPOP: str | None = None
    ) -> httpx.Response:
        headers = {"Content-Type": content_type} | ({"DPoP": HTTP_DPOP} if HTTP_DPOP else {})
        return self.http.post(path, content=body, headers=headers)


class House:
    def __init__(self, folder: Path, stack: ExitStack) -> None:
        self.folder, self.stack = folder, stack
        self.postgres, self.admission, self.broker = (
            Postgres(), Redis(folder, "admission"), Redis(folder, "broker"),
        )  # fmt: skip
        for server in (self.postgres, self.admission, self.broker):
            stack.callback(server.remove)
            server.start()
        self.environment = clean_environment(
            AP_MODE="production", AP_ISSUER=ISSUER, AP_SSL_REDIRECT="0",
            AP_ALLOWED_HOSTS="passport.test,127.0.0.1", AP_SECRET_KEY=secrets.token_urlsafe(48),
            AP_KEY_RING=f"k1:{b64encode(secrets.token_bytes(32)).decode()}",
            AP_DATABASE_URL=self.postgres.url, AP_DATABASE_POOL="4",
            AP_ADMISSION_REDIS_URL=self.admission.url, AP_BROKER_URL=self.broker.broker_url,
            AP_STATIC_ROOT=str(folder / "static"), DATA_DIR=str(folder / "data"),
        )  # fmt: skip
        told = json.loads(self.manage("shell", "-v0", "-c", MADE_READY + PEOPLE).splitlines()[-1])
        self.service: tuple[str, str] = tuple(told["service"])
        self.members = {
            name: Member(client_id, account_id, Key(load_pem_private_key(pem.encode(), None)))  # type: ignore[arg-type]
            for name, (client_id, account_id, pem) in told["agents"].items()
        }
        port = free_port()
        self.url = f"http://127.0.0.1:{port}"
        web = self.begin("granian", "--interface", "wsgi", "--port", str(port), "config.wsgi:application")
        self.begin(sys.executable, "manage.py", "run_ledger")
        self.begin("celery", "-A", "config.celery", "beat", "--schedule", str(folder / "beat"))
        self.worker = self.begin_worker()
        wait_until_ready(self.url, web)
        self.door = Door(self.url)
        self.endpoint = TokenEndpoint(self.door)

    def begin_worker(self) -> subprocess.Popen[bytes]:
        return self.begin(
            "celery", "-A", "config.celery", "worker", "--pool", "solo", "--queues", "agent-passport"
        )

    def begin_dying_worker(self, point: str) -> subprocess.Popen[bytes]:
        """A worker that dies at a point of our code (tests/faults/dying.py)."""
        return self.begin(sys.executable, "-m", "tests.faults.dying", point, "celery")

    def begin(self, program: str, *arguments: str) -> subprocess.Popen[bytes]:
        command = [program if "/" in program else str(BIN / program), *arguments]
        with (self.folder / f"{Path(program).name}.log").open("ab") as log:
            process = subprocess.Popen(command, env=self.environment, cwd=ROOT, stdout=log, stderr=log)
        self.stack.callback(end, process)
        return process

    def manage(self, *arguments: str) -> str:
        command = [sys.executable, "manage.py", *arguments]
        done = subprocess.run(
            command, env=self.environment, cwd=ROOT, capture_output=True, text=True, timeout=240, check=False
        )
        assert done.returncode == 0, done.stderr[-3000:]
        return done.stdout

    def sql(self, query: str, *values: Any) -> list[tuple[Any, ...]]:
        with psycopg.connect(self.postgres.url, autocommit=True) as connection:
            cursor = connection.execute(query, values)  # type: ignore[arg-type]
            return cursor.fetchall() if cursor.description else []

    def mode(self) -> str:
        return str(self.sql("SELECT mode FROM passport_admissionmode")[0][0])

    def issued(self) -> int:
        """How many tokens the store of admission has recorded as given out."""
        connection = redis.Redis.from_url(self.admission.url)
        return sum(int(connection.get(name) or 0) for name in connection.scan_iter("*:issued:n"))

    def as_service(self, path: str, data: dict[str, str]) -> httpx.Response:
        return self.door.http.post(path, data=data, auth=self.service)

    def service_token(self, scope: str) -> str:
        data = {"grant_type": "client_credentials", "resource": f"{ISSUER}/v1", "scope": scope}
        return str(self.as_service("/oauth/token", data).json()["access_token"])

    def decide(self, token: str, member: Member) -> httpx.Response:
        question = {
            "subject": {"type": "agent", "id": member.id},
            "action": {"name": "model:infer"},
            "resource": {"type": "service", "id": MODEL},
        }
        headers = {"Authorization": f"Bearer {token}"}
        return self.door.http.post("/access/v1/evaluation", json=question, headers=headers)

    def passport_of(self, name: str) -> str:
        """Whatever mode holds and however lately it was turned."""
        member = self.members[name]
        answer = self.with_nonce(
            lambda nonce: self.endpoint.passport(member, proof=member.key.proof(nonce=nonce))
        )
        assert answer.status_code == 200, answer.text
        return str(answer.json()["access_token"])

    def with_nonce(self, ask: Callable[[str | None], httpx.Response]) -> httpx.Response:
        """Asks as the SDK does: with the nonce of the answer where one is wanted, and again after a 503."""
        nonce: str | None = None
        deadline = time.monotonic() + PATIENCE_SECONDS
        while True:
            answer = ask(nonce)
            wanted = answer.status_code == 400 and answer.json()["error"] == "use_dpop_nonce"
            if not wanted and answer.status_code != 503:
                return answer
            assert time.monotonic() < deadline, answer.text
            nonce = answer.headers.get("DPoP-Nonce", nonce)


def end(process: subprocess.Popen[bytes]) -> None:
    """Whatever it waits for: what a test has stopped may keep it from ending by itself."""
    process.terminate()
    try:
        process.wait(5)
    except subprocess.TimeoutExpired:
        process.kill()
        process.wait(5)


def wait_for(condition: Callable[[], bool], what: str) -> None:
    deadline = time.monotonic() + PATIENCE_SECONDS
    while not condition():
        assert time.monotonic() < deadline, f"{what}: not within {PATIENCE_SECONDS} s"
        time.sleep(0.1)


@contextmanager
def open_house(folder: Path) -> Iterator[House]:
    with ExitStack() as stack:
        yield House(folder, stack)
