import json

import pytest
from oauth2_provider.oauth2_validators import OAuth2Validator

from accounts.linkage.models import Signal
from foundation import clock
from foundation.ledger.models import Entry
from passport.agents.keys import BadKey, parse_public_jwk
from passport.agents.models import Agent, AgentKey
from passport.agents.names import BadName, clean_name
from passport.agents.registration import (
    Closed,
    KeyInUse,
    TooManyKeys,
    add_key,
    close_agent,
    register_agent,
    retire_key,
)
from tests.passport import population
from tests.passport.crafting import ALICE, ED, MALLORY, P384, RSA

ACTOR = "user:usr_alice"


@pytest.fixture
def owner(db):
    return population.account("alice")


def register(owner, key=ALICE, **changed):
    said = {"name": "Crawler", "purpose": "Reads", "software": "1.0", "environment": "sandbox", **changed}
    return register_agent(
        account_id=owner.id, key=parse_public_jwk(key.jwk), actor=ACTOR, now=clock.now(), **said
    )


class TestAnAgent:
    def test_is_registered_with_its_key_and_a_name_of_ours(self, owner) -> None:
        agent = register(owner)
        key = agent.keys.get()
        assert agent.client_id.startswith("agent_")
        assert (key.thumbprint, key.kid, key.jwk, key.alg) == (
            ALICE.thumbprint,
            ALICE.thumbprint,
            ALICE.jwk,
            "ES256",
        )
        assert list(Entry.objects.order_by("id").values_list("type", flat=True)) == [
            "agent.registered",
            "key.added",
        ]

    def test_has_no_secret_that_the_toolkit_would_take(self, owner) -> None:
        agent = Agent.objects.get(pk=register(owner).pk)
        assert (agent.client_type, agent.authorization_grant_type) == ("confidential", "client-credentials")
        assert not OAuth2Validator()._check_secret("", agent.client_secret)

    def test_of_a_closed_account_is_refused(self, owner) -> None:
        owner.state = "closed"
        owner.save()
        with pytest.raises(Closed):
            register(owner)
        assert not Agent.objects.exists()

    def test_once_closed_takes_no_key(self, owner) -> None:
        agent = register(owner)
        close_agent(agent, actor=ACTOR, now=clock.now())
        close_agent(agent, actor=ACTOR, now=clock.now())
        with pytest.raises(Closed):
            add_key(agent, parse_public_jwk(ED.jwk), actor=ACTOR, now=clock.now())
        assert Entry.objects.filter(type="agent.closed").count() == 1


class TestAKeyThatIsRegisteredAlready:
    def test_is_refused_and_leaves_a_signal_for_both_accounts(self, owner) -> None:
        register(owner)
        with pytest.raises(KeyInUse):
            register(population.account("mallory"))
        signals = Signal.objects.filter(kind="key_thumbprint")
        assert set(signals.values_list("account_id", flat=True)) == {"acc_alice", "acc_mallory"}
        assert len(set(signals.values_list("value_hash", flat=True))) == 1
        assert Agent.objects.count() == 1

    def test_is_refused_for_the_same_account_and_after_it_was_retired(self, owner) -> None:
        agent = register(owner)
        retire_key(agent.keys.get(), actor=ACTOR, now=clock.now())
        with pytest.raises(KeyInUse):
            add_key(agent, parse_public_jwk(ALICE.jwk), actor=ACTOR, now=clock.now())
        with pytest.raises(KeyInUse):
            register(owner)


class TestKeysOverlap:
    def test_two_at_a_time(self, owner) -> None:
        agent = register(owner)
        add_key(agent, parse_public_jwk(ED.jwk), actor=ACTOR, now=clock.now())
        with pytest.raises(TooManyKeys):
            add_key(agent, parse_public_jwk(P384.jwk), actor=ACTOR, now=clock.now())
        retire_key(agent.keys.get(thumbprint=ALICE.thumbprint), actor=ACTOR, now=clock.now())
        add_key(agent, parse_public_jwk(P384.jwk), actor=ACTOR, now=clock.now())
        assert Entry.objects.filter(type="key.retired").count() == 1

    def test_but_not_under_one_kid(self, owner) -> None:
        agent = register(owner, key=ALICE)
        twin = parse_public_jwk({**ED.jwk, "kid": ALICE.thumbprint})
        with pytest.raises(KeyInUse):
            add_key(agent, twin, actor=ACTOR, now=clock.now())
        assert AgentKey.objects.count() == 1


class TestAPublicKeyAsGiven:
    @pytest.mark.parametrize(
        ("key", "alg"), [(ALICE, "ES256"), (P384, "ES384"), (ED, "EdDSA"), (RSA, "RS256")]
    )
    def test_fixes_its_algorithm(self, key, alg) -> None:
        assert parse_public_jwk(json.dumps(key.jwk)).alg == alg

    def test_may_name_a_kid_use_and_alg_that_fit(self) -> None:
        given = {
            **ED.jwk,
            "kid": "key-1",
            "use": "sig",
            "key_ops": ["verify"],
            "alg": "Ed25519",
            "x5t": "ignored",
        }
        key = parse_public_jwk(given)
        assert (key.kid, key.alg, set(key.jwk)) == ("key-1", "EdDSA", {"kty", "crv", "x"})
        assert parse_public_jwk({**RSA.jwk, "alg": "PS256"}).alg == "PS256"

    @pytest.mark.parametrize("members", [
        {"use": "enc"}, {"key_ops": ["sign"]}, {"key_ops": "verify"}, {"alg": "ES384"}, {"alg": "none"}, {"alg": 7},
        {"kid": "a b"}, {"kid": ""}, {"kid": "k" * 129}, {"kid": 7}, {"d": "AAAA"}, {"d": None},
    ], ids=str)  # fmt: skip
    def test_is_refused_when_it_contradicts_itself(self, members) -> None:
        with pytest.raises(BadKey):
            parse_public_jwk({**ALICE.jwk, **members})

    @pytest.mark.parametrize(
        "text",
        ["", "[]", "{", "-----BEGIN PUBLIC KEY-----", '{"kty":"EC","kty":"EC"}', "{" * 5000, "x" * 9000],
    )
    def test_is_refused_when_it_is_no_jwk(self, text) -> None:
        with pytest.raises(BadKey):
            parse_public_jwk(text)


@pytest.mark.shows("DCR-10")
@pytest.mark.parametrize("name", ["<b>x", "a>b", "a\u202eb", "a\u2066b", "a\u200eb", "a\u200bb", "a\nb", "a\x00b", "a\x7fb",
                                  "a\u2028b", "\ufeffa", "\ue000", "", "   ", "x" * 81])  # fmt: skip
def test_a_name_that_deceives_is_refused(name: str) -> None:
    with pytest.raises(BadName):
        clean_name(name, most=80)


@pytest.mark.parametrize("name", ["Crawler", "Zoë & Söhne", "智能体", "عميل", "می‌خواهم", "it's 50%"])
def test_an_honest_name_stays_as_it_is(name: str) -> None:
    assert clean_name(f" {name} ", most=80) == name


def test_mallorys_key_is_hers_alone(owner) -> None:
    assert register(owner, MALLORY).keys.get().thumbprint == MALLORY.thumbprint
