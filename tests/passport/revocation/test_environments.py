"""A batch of the sandbox leaves the same account's live agents alone, and the other way round."""

import pytest

from foundation import clock
from foundation.jobs.outbox import run_due
from foundation.ledger.models import Entry
from passport.credentials.models import Passport
from passport.events.denied import agents_hit, denied_agents
from passport.fields import Effect
from passport.protocol import SUSPENDED, VALID
from passport.restrictions.models import Restriction
from passport.restrictions.place import SubjectRef, lift, place
from passport.revocation.approve import approve
from passport.revocation.preview import make_preview, record_view
from passport.revocation.run import start
from passport.revocation.steps import create_batch
from passport.status.encode import get_value
from tests.cast import (
    INFER,
    LIVE,
    MODEL,
    SANDBOX,
    Actor,
    grant,
    granted,
    hire,
    open_account,
    open_service,
    refused,
)

ANALYST = "user:usr_analyst"
LIVE_MODEL = "https://live.example"
AUDIENCES = {SANDBOX: MODEL, LIVE: LIVE_MODEL}


@pytest.fixture
def alices(house: None) -> dict[str, Actor]:
    """Alice's agents: one in each environment, each with a service."""
    account = open_account("alice")
    agents = {name: hire(account, f"{name} scout", environment=name) for name in AUDIENCES}
    for name, audience in AUDIENCES.items():
        grant(agents[name], open_service(audience, environment=name)[0], INFER)
    return agents


@pytest.fixture
def ask(endpoint, alices):
    """Exchanges the passport that each agent got before anything happened to it."""
    passports = {name: granted(endpoint.passport(actor)) for name, actor in alices.items()}
    return lambda name: endpoint.exchange(
        passports[name], key=alices[name].key, resource=AUDIENCES[name], scope=INFER
    )


def revoke_her_account(environment: str) -> dict[str, int]:
    """Gives what the preview counted."""
    now = clock.now()
    batch = create_batch(
        environment=environment, chosen_by="account", chosen_from="acc_alice", reason="abuse", actor=ANALYST,
        now=now, effect=Effect.REVOKE,
    )  # fmt: skip
    shown = make_preview(batch.pk, actor=ANALYST, now=now).preview
    approve(batch.pk, ANALYST, record_view(batch.pk, ANALYST, now=now), now=now)
    start(batch.pk, ANALYST, now=now)
    return {name: shown[name] for name in ("accounts", "agents", "passports")}


@pytest.mark.parametrize(("hit", "spared"), [(SANDBOX, LIVE), (LIVE, SANDBOX)])
def test_a_batch_of_one_environment_stops_the_accounts_agents_there_and_no_others(
    alices, ask, hit: str, spared: str
) -> None:
    counted = revoke_her_account(hit)
    refused(ask(hit), "invalid_request", reason="account_revoked")
    granted(ask(spared))
    assert counted == {"accounts": 1, "agents": 1, "passports": 1}
    assert denied_agents() == [alices[hit].id]


@pytest.mark.parametrize("hit", [SANDBOX, LIVE])
def test_the_feed_and_the_lists_tell_of_those_alone(alices, ask, hit: str) -> None:
    revoke_her_account(hit)
    entry = Entry.objects.get(type="restriction.placed")
    assert agents_hit(entry.payload) == [alices[hit].id]
    run_due()
    for living in Passport.objects.select_related("status_list"):
        bit = get_value(bytes(living.status_list.content), 2, living.status_index)
        assert bit == (SUSPENDED if living.environment == hit else VALID)


def test_what_is_placed_without_an_environment_holds_in_both(ask) -> None:
    place(
        [SubjectRef("account", "acc_alice", "acc_alice")], effect=Effect.SUSPEND, reason="abuse",
        actor=ANALYST, now=clock.now(),
    )  # fmt: skip
    for name in AUDIENCES:
        refused(ask(name), "invalid_request", reason="account_suspended")


def test_a_throttle_of_one_environment_takes_nothing_from_the_other(alices, ask) -> None:
    place(
        [SubjectRef("account", "acc_alice", "acc_alice")], effect=Effect.THROTTLE, factor=0.0,
        reason="abuse", actor=ANALYST, now=clock.now(), environment=SANDBOX,
    )  # fmt: skip
    assert ask(SANDBOX).status_code == 429
    granted(ask(LIVE))


def test_lifting_the_one_leaves_the_other_in_force(ask) -> None:
    for name in AUDIENCES:
        place(
            [SubjectRef("account", "acc_alice", "acc_alice")], effect=Effect.SUSPEND, reason=name,
            actor=ANALYST, now=clock.now(), environment=name,
        )  # fmt: skip
    ids = list(Restriction.objects.filter(environment=SANDBOX).values_list("pk", flat=True))
    lift(ids, actor=ANALYST, now=clock.now(), reason="mistake")
    granted(ask(SANDBOX))
    refused(ask(LIVE), "invalid_request", reason="account_suspended")
