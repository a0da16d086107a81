"""Usage is counted in the way of the request, and told behind it."""

import asyncio
import json
import threading
from types import SimpleNamespace
from typing import Any

import pytest

from agent_passport import sketch_of
from agent_passport._sketch import SLOTS, join
from agent_passport._usage import Told, Usage, outcome_of, prefix_of
from tests.sdk.service_side import AUDIENCE, Clock, call, eventually

WHO = SimpleNamespace(
    agent="agent_1",
    claims={"status": {"status_list": {"uri": "https://i/status/1", "idx": 7}}},
    scope="infer",
)
TEXT = "the quick brown fox jumps over the lazy dog while we count words " * 4


class Door:
    """What the issuer answers, in order; 200 when nothing more was said."""

    def __init__(self, *answers: Told) -> None:
        self.answers = list(answers)
        self.bodies: list[bytes] = []

    def __call__(self, body: bytes) -> Told:
        self.bodies.append(body)
        return self.answers.pop(0) if self.answers else Told(200)

    @property
    def items(self) -> list[dict[str, Any]]:
        return [item for body in self.bodies for item in json.loads(body)["items"]]


def usage_at(door: Door, clock: Clock, **options: Any) -> Usage:
    return Usage(door, clock=clock.time, monotonic=clock.monotonic, every_seconds=3600, **options)


def test_calls_of_one_minute_become_one_item(clock) -> None:
    door = Door()
    usage = usage_at(door, clock)
    for _ in range(3):
        usage.record(WHO, units=2, outcome="allowed", address="8.8.8.9")
    usage.record(WHO, outcome="over_limit", address="8.8.8.200")
    assert usage.flush()
    assert door.items == [{
        "agent": "agent_1", "minute": int(clock.time()) // 60 * 60, "scope": "infer", "units": 6,
        "outcomes": {"allowed": 3, "over_limit": 1}, "credential": {"uri": "https://i/status/1", "idx": 7},
        "prefix": "8.8.8.0/24",
    }]  # fmt: skip


def test_a_report_without_answer_is_sent_again_as_it_was(clock) -> None:
    door = Door(Told(0), Told(503), Told(200))
    usage = usage_at(door, clock)
    usage.record(WHO, outcome="allowed")
    assert (usage.flush(), usage.flush(), usage.flush()) == (False, False, True)
    assert len(door.bodies) == 3
    assert len(set(door.bodies)) == 1
    assert usage.dropped == 0


def test_it_waits_as_long_as_it_is_told(clock) -> None:
    usage = usage_at(Door(Told(429, 40.0)), clock)
    usage.record(WHO, outcome="allowed")
    assert usage._prepare()
    assert 40 <= (usage._send_pending() or 0) <= 300


def test_a_report_that_is_refused_is_dropped_and_counted(clock) -> None:
    door = Door(Told(403))
    usage = usage_at(door, clock)
    usage.record(WHO, outcome="allowed")
    assert usage.flush()
    assert (usage.dropped, len(door.bodies)) == (1, 1)


def test_memory_is_bounded_and_the_oldest_go_first(clock) -> None:
    door = Door()
    usage = usage_at(door, clock, entries=10)
    for number in range(25):
        usage.record(SimpleNamespace(agent=f"agent_{number}", claims={}), outcome="allowed")
    assert usage.dropped == 15
    usage.flush()
    assert [item["agent"] for item in door.items] == [f"agent_{number}" for number in range(15, 25)]


def test_recording_never_waits_for_a_report_on_its_way(clock) -> None:
    under_way, go_on = threading.Event(), threading.Event()

    def slow(_: bytes) -> Told:
        under_way.set()
        assert go_on.wait(5)
        return Told(200)

    usage = Usage(slow, clock=clock.time, monotonic=clock.monotonic, every_seconds=0.001)
    usage.record(WHO, outcome="allowed")
    assert under_way.wait(5)
    for _ in range(1000):
        usage.record(WHO, outcome="allowed")
    go_on.set()
    usage.close()


def test_closing_sends_what_waits(clock) -> None:
    door = Door()
    usage = usage_at(door, clock)
    usage.record(WHO, outcome="allowed")
    usage.close()
    assert len(door.items) == 1


def test_an_event_loop_can_wait_for_the_last_of_it(clock) -> None:
    door = Door()
    usage = usage_at(door, clock)
    usage.record(WHO, outcome="allowed")
    assert asyncio.run(usage.aflush())
    assert len(door.items) == 1


def test_what_is_learnt_afterwards_is_added(clock) -> None:
    door = Door()
    usage = usage_at(door, clock)
    usage.record(WHO, units=1, outcome="allowed")
    usage.record(WHO, units=800, shape=sketch_of(TEXT), outcome="failed")
    usage.flush()
    (item,) = door.items
    assert (item["units"], item["outcomes"], len(item["sketch"])) == (801, {"failed": 1}, 342)


@pytest.mark.parametrize("text", ["", "one two three", "word " * 23])
def test_a_short_text_gets_no_sketch(text) -> None:
    assert sketch_of(text) is None


def test_alike_texts_give_alike_sketches_and_others_do_not() -> None:
    def alike(one: str, other: str) -> float:
        first, second = sketch_of(one) or b"", sketch_of(other) or b""
        pairs = [(first[i : i + 4], second[i : i + 4]) for i in range(0, 4 * SLOTS, 4)]
        held = [(a, b) for a, b in pairs if (a, b) != (b"\xff" * 4, b"\xff" * 4)]
        return sum(a == b for a, b in held) / len(held)

    template = " ".join(
        f"step{letter} explain your reasoning about" for letter in "abcdefghijklmnopqrstuvwxyz"
    )
    assert alike(template + " case 17", template + " case 94") > 0.9
    assert alike(template, " ".join(f"w{n * n}x{chr(97 + n % 26)}q" for n in range(200))) < 0.1


def test_joined_sketches_are_the_sketch_of_all() -> None:
    one, other = sketch_of(TEXT) or b"", sketch_of(" ".join(map(chr, range(97, 123))) * 2 + TEXT) or b""
    assert join(one, other) == join(other, one) == join(join(one, other), one)


@pytest.mark.parametrize(
    ("address", "prefix"),
    [
        ("203.0.114.9", "203.0.114.0/24"), ("2a00:1450:4001:81b::200e", "2a00:1450:4001::/48"),
        ("::ffff:8.8.8.8", "8.8.8.0/24"), ("10.0.0.7", ""), ("127.0.0.1", ""), ("testclient", ""), (None, ""),
    ],
)  # fmt: skip
def test_only_the_network_of_a_public_address_is_told(address, prefix) -> None:
    assert prefix_of(address) == prefix


def test_a_nonce_asked_for_is_no_refusal() -> None:
    assert outcome_of("use_dpop_nonce", "") is None


def test_the_verifier_tells_of_each_call(issuer, make_verifier, key) -> None:
    verifier = make_verifier(client_id="svc_infer", client_secret="secret")
    token = issuer.access_token(key, AUDIENCE)
    assert call(verifier, key, token, "model:infer")
    assert not call(verifier, key, token, "model:train")
    verifier.close()
    outcomes = {item["scope"]: (item["units"], item["outcomes"]) for item in issuer.reports[0]["items"]}
    assert outcomes == {"model:infer": (1, {"allowed": 1}), "model:train": (0, {"lacks_scope": 1})}


def test_a_service_may_say_nothing(issuer, make_verifier, key) -> None:
    verifier = make_verifier(client_id="svc_infer", client_secret="secret", usage=False)
    assert call(verifier, key, issuer.access_token(key, AUDIENCE), "model:infer")
    verifier.close()
    assert issuer.reports == []


def test_an_issuer_that_is_away_costs_no_call(issuer, make_verifier, key) -> None:
    issuer.usage_answers = [(503, {"Retry-After": "60"})]
    verifier = make_verifier(client_id="svc_infer", client_secret="secret").start()
    eventually(lambda: verifier.is_ready)
    assert call(verifier, key, issuer.access_token(key, AUDIENCE), "model:infer")
    verifier.usage.flush()
    assert call(verifier, key, issuer.access_token(key, AUDIENCE), "model:infer")
