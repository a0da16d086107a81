"""A sub-agent that acts on with what was handed to it (RFC 8693 section 4.1)."""

import asyncio

import pytest

from agent_passport import Agent, PassportRefused
from tests.sdk.fake_issuer import FakeIssuer
from tests.sdk.service_side import AUDIENCE

ACCESS_TOKEN = "urn:ietf:params:oauth:token-type:access_token"
PASSPORT = "urn:agent-passport:token-type:passport"


@pytest.mark.parametrize("way", ["thread", "event loop"])
def test_a_sub_agent_shows_its_own_passport_beside_what_was_handed_to_it(
    issuer: FakeIssuer, agent: Agent, way: str
) -> None:
    if way == "thread":
        held = agent.act_for("handed-on", AUDIENCE, "echo:read")
    else:
        held = asyncio.run(agent.aact_for("handed-on", AUDIENCE, "echo:read"))
    assert held.value == "access-1"
    assert issuer.forms[-1] == {
        "grant_type": "urn:ietf:params:oauth:grant-type:token-exchange",
        "subject_token": "handed-on",
        "subject_token_type": ACCESS_TOKEN,
        "actor_token": "passport-1",
        "actor_token_type": PASSPORT,
        "requested_token_type": ACCESS_TOKEN,
        "resource": AUDIENCE,
        "scope": "echo:read",
    }


def test_what_is_got_for_another_is_not_taken_for_ones_own(issuer: FakeIssuer, agent: Agent) -> None:
    for_alice = agent.act_for("of-alice", AUDIENCE, "echo:read")
    for_bob = agent.act_for("of-bob", AUDIENCE, "echo:read")
    own = agent.token(AUDIENCE, "echo:read")
    assert len({for_alice.value, for_bob.value, own.value}) == 3


def test_an_owner_who_did_not_allow_it_is_heard_in_words(issuer: FakeIssuer, agent: Agent) -> None:
    agent.passport()
    body = {
        "error": "invalid_request",
        "error_description": "not allowed",
        "error_uri": "x#actor_not_permitted",
    }
    issuer.scripted.append((400, {}, body))
    with pytest.raises(PassportRefused, match="not allowed") as refused:
        agent.act_for("handed-on", AUDIENCE)
    assert refused.value.reason == "actor_not_permitted"
