"""What an owner sets on an agent's page: who may act, which workloads, what it may spend."""

import pytest
from django.test import Client

from accounts.owners.models import Membership
from passport.acting.models import ActingRule
from passport.agents.registration import close_agent
from passport.services.models import AgentGrant
from passport.workloads.models import WorkloadIssuer
from tests import people
from tests.cast import hire

SUBJECT = "repo:alice/reader:ref:refs/heads/main"


def as_member(actor, role: str = "owner") -> Client:
    user = people.person(f"{role}@example.com")
    Membership.objects.create(account=actor.account, user=user, role=role)
    return people.browser(user, factor=True)


@pytest.fixture
def home(scout) -> str:
    return f"/a/{scout.account.pk}/agents/{scout.id}"


def test_an_owner_lets_an_agent_and_a_service_act_and_takes_it_back(scout, model, home) -> None:
    alice, clerk = as_member(scout), hire(scout.account, "clerk")
    for chosen in (f"agent {clerk.id}", f"service {model.pk}"):
        assert alice.post(f"{home}/acting/", {"who": chosen}).status_code == 302
    assert "clerk" in alice.get(f"{home}/").content.decode()
    for rule in ActingRule.objects.filter(agent=scout.agent):
        assert alice.post(f"{home}/acting/{rule.pk}/end/").status_code == 302
    assert not ActingRule.objects.exists()
    assert alice.post(f"{home}/acting/{rule.pk}/end/").status_code == 404


def test_no_agent_of_another_account_or_environment_can_be_chosen(scout, mallory, home) -> None:
    alice = as_member(scout)
    far = hire(scout.account, "far", environment="live")
    closed = hire(scout.account, "closed")
    close_agent(closed.agent, actor="user:usr_alice", now=closed.agent.created)
    for actor in (mallory, far, closed, scout):
        assert alice.post(f"{home}/acting/", {"who": f"agent {actor.id}"}).status_code == 200
    assert not ActingRule.objects.exists()


def test_an_owner_registers_a_workload_and_removes_it(scout, home) -> None:
    alice = as_member(scout)
    given = {"kind": "github", "issuer": "https://token.actions.githubusercontent.com", "subject": SUBJECT}
    assert alice.post(f"{home}/workloads/", given).status_code == 302
    assert alice.post(f"{home}/workloads/", given).status_code == 200
    workload = WorkloadIssuer.objects.get()
    assert (workload.subject, workload.binds_keys) == (SUBJECT, False)
    assert SUBJECT in alice.get(f"{home}/").content.decode()
    assert alice.post(f"{home}/workloads/{workload.pk}/end/").status_code == 302
    assert alice.post(f"{home}/workloads/{workload.pk}/end/").status_code == 404


@pytest.mark.parametrize(
    "wrong", [{"issuer": "http://plain.example"}, {"subject": "repo:alice/*"}, {"kind": "other kind"}]
)
def test_what_is_not_exact_is_said_beside_the_field(scout, home, wrong) -> None:
    given = {"kind": "github", "issuer": "https://tokens.example", "subject": SUBJECT} | wrong
    assert as_member(scout).post(f"{home}/workloads/", given).status_code == 200
    assert not WorkloadIssuer.objects.exists()


def test_an_owner_says_what_an_agent_may_spend_and_move(scout, model, home) -> None:
    alice = as_member(scout)
    given = {
        "amount": "100.00", "currency": "eur", "spend_period": "month", "datatypes": "prompts files",
        "volume": "1024", "data_period": "day",
    }  # fmt: skip
    assert alice.post(f"{home}/scopes/{model.pk}/limits/", given).status_code == 302
    assert AgentGrant.objects.get(agent=scout.agent).authorization_details == [
        {"type": "spend", "currency": "EUR", "amount": "100.00", "period": "month"},
        {"type": "data", "datatypes": ["files", "prompts"], "volume": 1024, "period": "day"},
    ]
    assert "100.00" in alice.get(f"{home}/scopes/{model.pk}/limits/").content.decode()
    assert "spend up to 100.00 EUR a month" in alice.get(f"{home}/").content.decode()


@pytest.mark.parametrize(
    "wrong", [{"amount": "lots"}, {"currency": "XXX"}, {"datatypes": "a b c/ ?"}, {"volume": "0"}]
)
def test_limits_out_of_their_form_are_not_set(scout, model, home, wrong) -> None:
    given = {
        "amount": "5", "currency": "EUR", "spend_period": "month", "datatypes": "prompts", "data_period": "day",
    }  # fmt: skip
    answer = as_member(scout).post(f"{home}/scopes/{model.pk}/limits/", given | wrong)
    assert answer.status_code == 200
    assert AgentGrant.objects.get(agent=scout.agent).authorization_details == []


@pytest.mark.parametrize("path", ["acting/", "workloads/", "scopes/{service}/limits/"])
def test_who_only_looks_on_changes_nothing(scout, model, home, path) -> None:
    path = f"{home}/{path.format(service=model.pk)}"
    assert as_member(scout, "viewer").get(path).status_code == 403
    assert people.browser(people.person("carol@example.com"), factor=True).get(path).status_code == 404
