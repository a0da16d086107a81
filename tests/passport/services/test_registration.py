import pytest

from foundation import clock
from foundation.ledger.models import Entry
from passport.agents.names import BadName
from passport.services.models import AgentGrant, Service
from passport.services.registration import (
    AudienceInUse,
    ScopeSpec,
    ServiceRefused,
    check_secret,
    create_service,
    renew_secret,
    set_grant,
)
from tests.passport import population

pytestmark = pytest.mark.django_db
ACTOR = "user:usr_alice"
INFER = ScopeSpec("model:infer", "Infer")


def create(audience="https://model.test/v1", **changed):
    said = {
        "name": "Model",
        "environment": "sandbox",
        "scopes": [INFER],
        "issuer_scopes": ["events.read"],
        **changed,
    }
    return create_service(account_id=None, audience=audience, actor=ACTOR, now=clock.now(), **said)


class TestASecret:
    def test_is_the_only_one_that_works_and_is_not_kept(self) -> None:
        service, secret = create()
        kept = Service.objects.get(pk=service.pk)
        assert check_secret(kept, secret)
        assert not any(check_secret(kept, guess) for guess in ("", secret[:-1], secret + "x", "é", "\ud800"))
        assert secret.encode() not in bytes(kept.secret_hash)

    def test_survives_a_new_key_in_the_ring_and_ends_with_its_own(self, settings) -> None:
        service, secret = create()
        settings.KEY_RING = {"newer": b"n" * 32, **settings.KEY_RING}
        assert check_secret(service, secret)
        settings.KEY_RING = {"newer": b"n" * 32}
        assert not check_secret(service, secret)

    def test_ends_when_it_is_renewed(self) -> None:
        service, secret = create()
        newer = renew_secret(service, actor=ACTOR, now=clock.now())
        assert (check_secret(service, secret), check_secret(service, newer)) == (False, True)


@pytest.mark.parametrize(
    "audience",
    ["https://model.test", "https://model.test:8443/v1?a=b", "urn:example:model", "http://127.0.0.1:9"],
)
def test_an_absolute_uri_is_an_audience(audience: str) -> None:
    assert create(audience)[0].audience == audience


@pytest.mark.parametrize("audience", [
    "", "model.test", "/v1", "//model.test", "https://", "https://model.test#a", "https://model.test/#", "https://a@model.test",
    "https://model.test:x", "https://model.test:", "https://mod el.test", "https://modèl.test", "https://model.test/\n",
    "https://model.test/" + "a" * 512, "https://[", "urn:",
])  # fmt: skip
def test_anything_else_is_none(audience: str) -> None:
    with pytest.raises(ServiceRefused):
        create(audience)


def test_an_audience_belongs_to_one_service() -> None:
    create()
    with pytest.raises(AudienceInUse):
        create()


@pytest.mark.parametrize("changed", [
    {"scopes": [INFER, INFER]}, {"scopes": [ScopeSpec("a b", "x")]}, {"scopes": [ScopeSpec('a"', "x")]},
    {"scopes": [ScopeSpec("", "x")]}, {"scopes": [ScopeSpec("a" * 65, "x")]}, {"scopes": [ScopeSpec("a", "x", "passport")]},
    {"scopes": [ScopeSpec("a", "x", "document", "gold")]}, {"issuer_scopes": ["root"]},
], ids=str)  # fmt: skip
def test_scopes_that_no_token_could_carry_are_refused(changed) -> None:
    with pytest.raises(ServiceRefused):
        create(**changed)
    assert not Service.objects.exists()


def test_a_name_that_deceives_is_refused() -> None:
    with pytest.raises(BadName):
        create(name="Bank\u202eledoM")


class TestAGrant:
    @pytest.fixture
    def agent(self):
        return population.agent(population.account("alice"), "bot")

    def grant(self, agent, service, *scopes):
        return set_grant(agent, service, scopes, actor=ACTOR, now=clock.now())

    def test_is_exactly_what_was_set_last(self, agent) -> None:
        service, _ = create(scopes=[INFER, ScopeSpec("model:embed", "Embed")])
        self.grant(agent, service, "model:infer", "model:embed", "model:infer")
        assert AgentGrant.objects.get().scopes == "model:infer model:embed"
        self.grant(agent, service, "model:embed")
        assert AgentGrant.objects.get().scopes == "model:embed"
        self.grant(agent, service)
        assert not AgentGrant.objects.exists()
        assert Entry.objects.filter(type="grant.changed").count() == 3

    def test_of_a_scope_not_offered_is_refused_by_name(self, agent) -> None:
        service, _ = create()
        with pytest.raises(ServiceRefused, match="model:train"):
            self.grant(agent, service, "model:infer", "model:train")
        assert not AgentGrant.objects.exists()

    def test_across_environments_is_refused(self, agent) -> None:
        service, _ = create(environment="live")
        with pytest.raises(ServiceRefused):
            self.grant(agent, service, "model:infer")
