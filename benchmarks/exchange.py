"""CPU per exchange and per introspection, beside the signatures alone, in one run and one thread.

    python benchmarks/exchange.py [requests]

Runs on the embedded default in a folder of its own. The floor is the same number of
verifications and signatures by `cryptography` alone, with keys already parsed. Proofs are
made beforehand: their making is the client's work. Our side is the whole request, with routing,
middleware, SQLite in this process and the test client that calls it.
"""

import atexit
import base64
import json
import os
import shutil
import sys
import tempfile
import time
from collections.abc import Callable, Sequence
from datetime import timedelta
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parent.parent
REQUESTS = 300
WARM_UP = 20


def cpu_us(step: Callable[[Any], object], items: Sequence[Any]) -> float:
    """Processor time of this process for each item, in microseconds, after a warm-up."""
    for item in items[:WARM_UP]:
        step(item)
    began = time.process_time()
    for item in items[WARM_UP:]:
        step(item)
    return (time.process_time() - began) * 1_000_000 / (len(items) - WARM_UP)


def floor_us(verifications: int, signatures: int, count: int) -> float:
    """ES256 over a kilobyte, by `cryptography` alone."""
    from cryptography.hazmat.primitives import hashes
    from cryptography.hazmat.primitives.asymmetric import ec

    scheme, message = ec.ECDSA(hashes.SHA256()), b"x" * 1024
    private = ec.generate_private_key(ec.SECP256R1())
    public, signature = private.public_key(), private.sign(message, scheme)

    def step(_: object) -> None:
        for _ in range(verifications):
            public.verify(signature, message, scheme)
        for _ in range(signatures):
            private.sign(message, scheme)

    return cpu_us(step, range(count))


def prepare() -> None:
    """A fresh database, admission in process, keys that sign."""
    folder = tempfile.mkdtemp(prefix="ap-bench-")
    atexit.register(shutil.rmtree, folder, ignore_errors=True)
    os.environ.update(
        DATA_DIR=folder, AP_MODE="embedded", AP_ISSUER="https://passport.test",
        AP_SSL_REDIRECT="0", AP_ALLOWED_HOSTS="passport.test,testserver", AP_LOG_LEVEL="ERROR",
        DJANGO_SETTINGS_MODULE="config.settings",
    )  # fmt: skip
    for name in ("AP_DATABASE_URL", "AP_ADMISSION_REDIS_URL", "AP_BROKER_URL"):
        os.environ.pop(name, None)
    sys.path.insert(0, str(ROOT))
    import django
    from django.core.management import call_command

    django.setup()
    import logging

    import structlog

    structlog.configure(wrapper_class=structlog.make_filtering_bound_logger(logging.ERROR))
    call_command("migrate", verbosity=0)

    from foundation import clock
    from passport.admission import stores
    from passport.admission.mode import microseconds
    from passport.admission.models import AdmissionMode
    from passport.signing.keys import ensure_keys

    ensure_keys()
    since = clock.now() - timedelta(days=1)
    stores.mark("memory", microseconds(since))
    AdmissionMode.objects.update_or_create(pk=1, defaults={"mode": "memory", "since": since})


def measure(count: int) -> list[dict[str, str | float]]:
    from django.test import Client

    from passport.exchange.presented import checked
    from passport.limits.models import LimitPolicy
    from tests.cast import INFER, MODEL, TokenEndpoint, grant, granted, hire, open_account, open_service

    service, secret = open_service(MODEL)
    agent = hire(open_account("bench"), "bench")
    grant(agent, service, INFER)
    for name in ("agent", "account"):
        applies_to = "credential" if name == "agent" else "account"
        LimitPolicy.objects.create(
            scope="token", name=name, applies_to=applies_to, quota=10**6, window_seconds=60, burst=10**6
        )
    client = Client()
    endpoint = TokenEndpoint(client)
    passport = granted(endpoint.passport(agent))
    tokens: list[str] = []

    def exchange(proof: str) -> None:
        tokens.append(granted(endpoint.exchange(passport, proof=proof)))

    def exchange_unseen(proof: str) -> None:
        checked.clear()
        exchange(proof)

    basic = base64.b64encode(f"{service.id}:{secret}".encode()).decode()
    kind = "application/x-www-form-urlencoded"

    def introspect(token: str) -> None:
        answer = client.post(
            "/oauth/introspect", f"token={token}", content_type=kind, HTTP_AUTHORIZATION=f"Basic {basic}"
        )
        assert answer.json()["active"] is True, answer.content

    def proofs() -> list[str]:
        return [agent.key.proof() for _ in range(count)]

    rows = [
        row("exchange, passport seen before", cpu_us(exchange, proofs()), floor_us(1, 1, count)),
        row("exchange, passport new here", cpu_us(exchange_unseen, proofs()), floor_us(2, 1, count)),
    ]
    rows.append(row("introspection", cpu_us(introspect, tokens[-count:]), floor_us(1, 0, count)))
    return rows


def row(name: str, ours: float, floor: float) -> dict[str, str | float]:
    return {
        "name": name, "cpu_us": round(ours, 1), "floor_us": round(floor, 1), "times": round(ours / floor, 2)
    }  # fmt: skip


def main(count: int = REQUESTS) -> list[dict[str, str | float]]:
    """Print a table, then the same as JSON."""
    prepare()
    rows = measure(max(count, WARM_UP * 2))
    print(f"{'':34}{'CPU us':>10}{'floor us':>10}{'times':>8}")
    for one in rows:
        print(f"{one['name']:34}{one['cpu_us']:>10}{one['floor_us']:>10}{one['times']:>8}")
    print(json.dumps({"benchmark": "exchange", "rows": rows}))
    return rows


if __name__ == "__main__":
    main(int(sys.argv[1]) if len(sys.argv) > 1 else REQUESTS)
