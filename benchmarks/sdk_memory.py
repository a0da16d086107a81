"""Memory that a verifier takes for the status lists of ten million credentials.

    python -m benchmarks.sdk_memory

77 lists of 2^17 entries of two bits, one in a hundred revoked, signed, fetched over HTTP and followed by the
feed, which then tells of 24,000 more. ``packed_mb`` is what the entries take at two bits, ``held_mb`` what
Python has more in use than before the verifier began, ``peak_mb`` the most it had meanwhile, in 10^6 bytes.
"""

import gc
import json
import random
import time
import tracemalloc
from collections.abc import Callable

from agent_passport import Verifier
from tests.sdk.encoding import packed
from tests.sdk.fake_issuer import FakeIssuer

LISTS = 77
ENTRIES = 2**17
REVOKED_AT_ONCE = 24_000


def measure() -> dict[str, float]:
    issuer = FakeIssuer()
    issuer.statuses = {number: a_list(number) for number in range(1, LISTS + 1)}
    gc.collect()
    tracemalloc.start()
    verifier = Verifier(
        issuer.url, "https://infer.example", client_id="svc_infer", client_secret="secret", limits=False
    )
    try:
        verifier.start()
        wait_until_it_holds_all(verifier)
        revoke_many(issuer)
        wait_until_it_has_heard(verifier, issuer)
        gc.collect()
        held, peak = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()
        verifier.close()
        issuer.stop()
    credentials = LISTS * ENTRIES
    sizes = {"packed_mb": credentials / 4, "held_mb": held, "peak_mb": peak}
    return {"credentials": credentials, **{name: round(size / 1e6, 2) for name, size in sizes.items()}}


def a_list(seed: int) -> bytearray:
    values = bytearray(ENTRIES // 4)
    for index in random.Random(seed).sample(range(ENTRIES), ENTRIES // 100):
        values[index // 4] |= 1 << 2 * (index % 4)
    return values


def revoke_many(issuer: FakeIssuer) -> None:
    """The frames alone: the issuer's own lists stay as they are, as between two publications."""
    indexes = random.Random(0).sample(range(ENTRIES), REVOKED_AT_ONCE // LISTS)
    for number in issuer.statuses:
        issuer.ledger += 1
        told = {
            "uri": issuer.list_uri(number),
            "bits": 2,
            "ledger": issuer.ledger,
            "2": packed(sorted(indexes)),
        }
        issuer.feed.publish("status", told)
    issuer.feed.frames.clear()


def wait_until_it_holds_all(verifier: Verifier) -> None:
    wait(lambda: verifier.is_ready and verifier.is_live and len(verifier._standing.lists) == LISTS)


def wait_until_it_has_heard(verifier: Verifier, issuer: FakeIssuer) -> None:
    wait(lambda: verifier._standing.position == issuer.ledger)


def wait(condition: Callable[[], bool]) -> None:
    deadline = time.monotonic() + 60
    while not condition():
        if time.monotonic() > deadline:
            raise TimeoutError("the verifier did not come to hold what it was told")
        time.sleep(0.01)


if __name__ == "__main__":
    print(json.dumps(measure()))
