"""CPU per decision, beside a trivial view of the same server, in one run and one thread.

    python -m benchmarks.decisions [requests]

On the embedded default in a folder of its own, whole requests by the test client: an AuthZEN question
(the service's token is checked, one query, one step of admission) and a gateway's question (the
caller's token and its proof are checked, the same query, the same step). The trivial view is
``/livez``: routing and middleware, nothing else. Beside the gateway's question stands its crypto floor.
"""

import json
import sys
from typing import Any

from benchmarks.exchange import REQUESTS, WARM_UP, cpu_us, floor_us, prepare

PATH = "/v1/answers"


def measure(count: int) -> list[dict[str, str | float]]:
    from django.test import Client

    from foundation import clock
    from passport.limits.models import LimitPolicy
    from passport.proofs.dpop import hash_of
    from passport.signing import keys
    from tests.cast import (
        INFER,
        ISSUER,
        MODEL,
        TokenEndpoint,
        grant,
        granted,
        hire,
        open_account,
        open_service,
    )
    from tests.deploy.gateways import basic

    service, secret = open_service(MODEL)
    agent = hire(open_account("bench"), "bench")
    grant(agent, service, INFER)
    for name in ("credential", "account"):
        LimitPolicy.objects.create(
            service=service,
            scope=INFER,
            name=name,
            applies_to=name,
            quota=10**6,
            window_seconds=60,
            burst=10**6,
        )
    client = Client()
    endpoint = TokenEndpoint(client)
    token = granted(endpoint.exchange(granted(endpoint.passport(agent)), key=agent.key))
    now = int(clock.now().timestamp())
    own = keys.active().sign(
        {"iss": ISSUER, "sub": service.pk, "client_id": service.pk, "aud": f"{ISSUER}/v1", "jti": "at_bench",
         "iat": now, "exp": now + 300, "scope": "decisions.evaluate"},
        typ="at+jwt",
    )  # fmt: skip
    question = json.dumps(
        {"subject": {"type": "agent", "id": agent.id}, "action": {"name": INFER},
         "resource": {"type": "service", "id": MODEL}}
    )  # fmt: skip
    asked = {"Passport-Gateway": basic(service.pk, secret), "Passport-Method": "GET", "Passport-Uri": PATH,
             "Passport-Scope": INFER, "Authorization": f"DPoP {token}"}  # fmt: skip

    def trivial(_: object) -> None:
        assert client.get("/livez").status_code == 200

    def evaluate(_: object) -> None:
        answer = client.post(
            "/access/v1/evaluation", question, content_type="application/json",
            headers={"Authorization": f"Bearer {own}"},
        )  # fmt: skip
        assert answer.json()["decision"] is True, answer.content

    def gateway(proof: str) -> None:
        answer = client.get("/access/v1/gateway", headers={**asked, "DPoP": proof})
        assert answer.status_code == 200, answer.content

    proofs = [agent.key.proof(method="GET", url=MODEL + PATH, ath=hash_of(token)) for _ in range(count)]
    steps: list[tuple[str, Any, Any]] = [
        ("a trivial view", trivial, range(count)),
        ("AuthZEN evaluation", evaluate, range(count)),
        ("a gateway's question", gateway, proofs),
    ]
    rows: list[dict[str, str | float]] = [
        {"name": name, "cpu_us": cpu_us(step, items)} for name, step, items in steps
    ]
    rows.append({"name": "crypto floor of the last", "cpu_us": floor_us(2, 0, count)})
    return rows


def main(count: int = REQUESTS) -> None:
    """Print a table, then the same as JSON."""
    prepare()
    rows = measure(max(count, WARM_UP * 2))
    trivial = float(rows[0]["cpu_us"])
    print(f"{'':34}{'CPU us':>10}{'a CPU-second':>14}{'times':>8}")
    for row in rows:
        cost = float(row["cpu_us"])
        row |= {
            "cpu_us": round(cost, 1),
            "a_cpu_second": round(1e6 / cost),
            "times": round(cost / trivial, 2),
        }
        print(f"{row['name']:34}{row['cpu_us']:>10}{row['a_cpu_second']:>14}{row['times']:>8}")
    print(json.dumps({"benchmark": "decisions", "rows": rows}))


if __name__ == "__main__":
    main(int(sys.argv[1]) if len(sys.argv) > 1 else REQUESTS)
