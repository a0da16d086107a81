"""Agents that publish their keys at a jwks_uri and authenticate with them."""

import json
from collections.abc import Callable
from datetime import timedelta
from typing import Any

import pytest

from foundation import clock
from foundation.outbound import documents
from foundation.outbound.client import Fetched, OutboundError
from passport.agents import fetched_keys
from passport.agents.models import AgentKey
from passport.agents.registration import retire_key
from tests.passport.crafting import ALICE, ED, MALLORY, P384, TestKey
from tests.passport.oauth.asking import Door, agent_of, assertion, refused, signed_in

URL = "https://reader.example/jwks.json"


class Publisher:
    """Stands where the network would be."""

    def __init__(self) -> None:
        self.asked = 0
        self.keys: list[dict[str, Any]] = []
        self.headers = {"Content-Type": "application/json", "Cache-Control": "max-age=600"}
        self.down = False

    def fetch(self, method: str, url: str, **more: Any) -> Fetched:
        self.asked += 1
        if self.down:
            raise OutboundError("timeout")
        return Fetched(200, self.headers, json.dumps({"keys": self.keys}).encode())

    def publish(self, *keys: TestKey | dict[str, Any]) -> None:
        self.keys = [key if isinstance(key, dict) else {**key.jwk, "kid": key.name} for key in keys]


@pytest.fixture
def publisher(monkeypatch: pytest.MonkeyPatch) -> Publisher:
    stand_in = Publisher()
    monkeypatch.setattr(documents, "fetch", stand_in.fetch)
    return stand_in


@pytest.fixture
def later(monkeypatch: pytest.MonkeyPatch) -> Callable[[float], None]:
    """Moves the clock of the documents; assertions are made and judged by the real one."""
    real, ahead = fetched_keys.usable_keys, [0.0]
    monkeypatch.setattr(
        "passport.oauth.clients.usable_keys",
        lambda agent, *, kid, now: real(agent, kid=kid, now=now + timedelta(seconds=ahead[0])),
    )
    return lambda seconds: ahead.__setitem__(0, ahead[0] + seconds)


@pytest.fixture
def reader(publisher: Publisher) -> Any:
    """An agent of Alice's account that publishes instead of registering."""
    agent = agent_of("alice", P384)
    retire_key(agent.keys.get(), actor="user:usr_alice", now=clock.now())
    agent.jwks_uri = URL
    agent.save()
    return agent


def sign_in(agent: Any, key: TestKey, kid: str | None = None) -> Any:
    header = {"kid": kid} if kid else {}
    form = signed_in(
        assertion(agent.client_id, key, header={"alg": key.alg, **header}), grant_type="client_credentials"
    )
    return Door("/oauth/token").post(form)


def is_known(answer: Any) -> bool:
    """Whether the client authenticated: then it is refused for what it asks, not for who it is."""
    return answer.json()["error"] != "invalid_client"


def test_a_published_key_authenticates_with_and_without_its_kid(reader: Any, publisher: Publisher) -> None:
    publisher.publish(ALICE)
    assert is_known(sign_in(reader, ALICE, "alice"))
    assert is_known(sign_in(reader, ALICE))
    assert publisher.asked == 1


def test_two_published_keys_overlap_while_one_follows_the_other(
    reader: Any, publisher: Publisher, later: Any
) -> None:
    publisher.publish(ALICE, ED)
    assert is_known(sign_in(reader, ALICE, "alice"))
    assert is_known(sign_in(reader, ED, ED.name))
    publisher.publish(ED)
    later(601)
    assert is_known(sign_in(reader, ED, ED.name))
    refused(sign_in(reader, ALICE, "alice"), 401, "invalid_client")
    assert AgentKey.objects.get(thumbprint=ALICE.thumbprint).not_after is not None


@pytest.mark.refusal("ASRT-14")
def test_while_the_server_of_the_keys_is_down_those_read_hold_to_their_end(
    reader: Any, publisher: Publisher, later: Any
) -> None:
    publisher.publish(ALICE)
    assert is_known(sign_in(reader, ALICE, "alice"))
    publisher.down = True
    later(590)
    assert is_known(sign_in(reader, ALICE, "alice"))
    later(20)
    refused(sign_in(reader, ALICE, "alice"), 401, "invalid_client")


@pytest.mark.shows("ASRT-14")
def test_an_unknown_kid_has_the_keys_read_again_once_a_minute(
    reader: Any, publisher: Publisher, later: Any
) -> None:
    publisher.publish(ALICE)
    sign_in(reader, ALICE, "alice")
    publisher.publish(ALICE, MALLORY)
    refused(sign_in(reader, MALLORY, "mallory"), 401, "invalid_client")
    assert publisher.asked == 1
    later(61)
    assert is_known(sign_in(reader, MALLORY, "mallory"))
    for kid in ("x1", "x2", "x3"):
        refused(sign_in(reader, ALICE, kid), 401, "invalid_client")
    assert publisher.asked == 2


def test_a_new_key_under_the_old_name_takes_its_place(reader: Any, publisher: Publisher, later: Any) -> None:
    publisher.publish({**ALICE.jwk, "kid": "current"})
    sign_in(reader, ALICE, "current")
    publisher.publish({**MALLORY.jwk, "kid": "current"})
    later(601)
    assert is_known(sign_in(reader, MALLORY, "current"))
    refused(sign_in(reader, ALICE, "current"), 401, "invalid_client")
    publisher.publish({**ALICE.jwk, "kid": "current"})
    later(601)
    assert is_known(sign_in(reader, ALICE, "current"))


def test_a_key_that_another_agent_has_stays_out(reader: Any, publisher: Publisher) -> None:
    agent_of("carol", MALLORY)
    publisher.publish(ALICE, MALLORY)
    assert is_known(sign_in(reader, ALICE))
    refused(sign_in(reader, MALLORY, "mallory"), 401, "invalid_client")


def test_a_key_that_its_owner_retired_stays_out_although_it_is_published(
    reader: Any, publisher: Publisher
) -> None:
    publisher.publish(ALICE)
    sign_in(reader, ALICE)
    retire_key(AgentKey.objects.get(thumbprint=ALICE.thumbprint), actor="user:usr_alice", now=clock.now())
    refused(sign_in(reader, ALICE), 401, "invalid_client")


@pytest.mark.parametrize(
    "spoilt",
    [
        {"kty": "oct", "k": "c2VjcmV0"},
        {**MALLORY.jwk, "d": "x" * 43},
    ],
)
def test_a_private_part_spoils_the_whole_set(
    reader: Any, publisher: Publisher, spoilt: dict[str, Any]
) -> None:
    publisher.publish(ALICE, spoilt)
    refused(sign_in(reader, ALICE), 401, "invalid_client")


def test_keys_of_kinds_that_we_do_not_know_are_passed_over(reader: Any, publisher: Publisher) -> None:
    publisher.publish({"kty": "AKP", "alg": "ML-DSA-44", "pub": "x"}, {**MALLORY.jwk, "use": "enc"}, ALICE)
    assert is_known(sign_in(reader, ALICE))


def test_more_than_ten_keys_are_refused(reader: Any, publisher: Publisher) -> None:
    publisher.publish(*({**ALICE.jwk, "kid": str(number)} for number in range(11)))
    refused(sign_in(reader, ALICE), 401, "invalid_client")


def test_a_key_that_is_no_longer_published_ends_without_a_sign_in(reader: Any, publisher: Publisher) -> None:
    publisher.publish(ALICE)
    fetched_keys.read_again()
    assert AgentKey.objects.get(thumbprint=ALICE.thumbprint).not_after is None
    publisher.publish(ED)
    documents.StoredDocument.objects.all().delete()
    type(reader).objects.update(keys_read_at=clock.now() - timedelta(minutes=11))
    fetched_keys.read_again()
    assert AgentKey.objects.get(thumbprint=ALICE.thumbprint).not_after is not None
