"""Refresh tokens are rotated; one that comes back ends its family, unless its own key repeats it at once."""

import pytest

from foundation.ledger.models import Entry
from passport.consents.end import end_consent
from passport.consents.models import Consent, RefreshToken
from passport.fields import Effect
from passport.restrictions.place import SubjectRef, place
from tests.cast import (
    INFER,
    MODEL,
    SEARCH,
    Key,
    claims_of,
    granted,
    hire,
    open_account,
    open_service,
    refused,
)
from tests.passport.oauth.consenting import Person, Tokens, ask, let_ask

TRAIN = "model:train"


@pytest.fixture
def asker(house):
    open_service(MODEL, bound=False)
    return let_ask(hire(open_account("alice"), "scout"))


@pytest.fixture
def tokens(endpoint, asker) -> Tokens:
    return Tokens(endpoint, asker)


@pytest.fixture
def pair(tokens, asker):
    return tokens.redeem(Person().gives_code(ask(asker.id, scope=f"{INFER} {TRAIN}"))).json()


@pytest.fixture
def key() -> Key:
    return Key()


@pytest.fixture
def bound_pair(tokens, asker, key):
    return tokens.redeem(Person().gives_code(ask(asker.id)), proof=key.proof()).json()


def test_each_refresh_gives_a_new_pair_on_the_same_status_entry(tokens, pair) -> None:
    second = tokens.refresh(pair["refresh_token"]).json()
    assert second["refresh_token"] != pair["refresh_token"]
    assert second["scope"] == f"{INFER} {TRAIN}"
    first_claims, second_claims = claims_of(pair["access_token"]), claims_of(second["access_token"])
    assert (first_claims["status"], first_claims["sub"]) == (second_claims["status"], second_claims["sub"])
    assert granted(tokens.refresh(second["refresh_token"]))


@pytest.mark.refusal("RT-01")
def test_a_rotated_token_again_ends_the_family_and_its_tokens(tokens, pair, clock) -> None:
    second = tokens.refresh(pair["refresh_token"]).json()
    clock.forward(seconds=1)
    refused(tokens.refresh(pair["refresh_token"]), "invalid_grant", reason="used_twice")
    refused(tokens.refresh(second["refresh_token"]), "invalid_grant", reason="consent_ended")
    assert Consent.objects.get().ended_reason == "refresh_token_reused"
    assert Entry.objects.get(type="consent.ended").reason == "refresh_token_reused"


def test_a_bound_token_may_be_repeated_by_its_key_for_ten_seconds(tokens, bound_pair, key, clock) -> None:
    first = bound_pair["refresh_token"]
    second = tokens.refresh(first, proof=key.proof()).json()
    clock.forward(seconds=10)
    repeated = tokens.refresh(first, proof=key.proof()).json()
    assert len({first, second["refresh_token"], repeated["refresh_token"]}) == 3
    assert granted(tokens.refresh(repeated["refresh_token"], proof=key.proof()))
    clock.forward(seconds=1)
    refused(tokens.refresh(first, proof=key.proof()), "invalid_grant", reason="used_twice")
    assert Consent.objects.get().ended_at is not None


def test_another_key_repeats_nothing(tokens, bound_pair, key) -> None:
    tokens.refresh(bound_pair["refresh_token"], proof=key.proof())
    refused(
        tokens.refresh(bound_pair["refresh_token"], proof=Key().proof()), "invalid_grant", reason="used_twice"
    )
    assert Consent.objects.get().ended_at is not None


def test_a_bound_token_needs_a_proof_by_its_key_and_stays_good_without(tokens, bound_pair, key) -> None:
    token = bound_pair["refresh_token"]
    refused(tokens.refresh(token), "invalid_grant", reason="other_key")
    refused(tokens.refresh(token, proof=Key().proof()), "invalid_grant", reason="other_key")
    assert granted(tokens.refresh(token, proof=key.proof()))


@pytest.mark.refusal("RT-02")
def test_another_clients_token_is_refused_and_stays_good(endpoint, tokens, pair) -> None:
    mallory = let_ask(hire(open_account("mallory"), "hydra"))
    refused(Tokens(endpoint, mallory).refresh(pair["refresh_token"]), "invalid_grant")
    assert granted(tokens.refresh(pair["refresh_token"]))


def test_a_withdrawn_consent_refreshes_nothing(tokens, pair, clock) -> None:
    assert end_consent(Consent.objects.get().pk, reason="withdrawn", actor="user:usr_dora", now=clock.now())
    refused(tokens.refresh(pair["refresh_token"]), "invalid_grant", reason="consent_ended")


def test_a_suspended_agent_or_account_refreshes_nothing(tokens, pair, asker, clock) -> None:
    for subject in (
        SubjectRef("agent", asker.id, asker.account.id),
        SubjectRef("account", asker.account.id, asker.account.id),
    ):
        place([subject], effect=Effect.SUSPEND, reason="abuse", actor="user:usr_1", now=clock.now())
        refused(tokens.refresh(pair["refresh_token"]), "invalid_grant")


def test_a_person_who_is_gone_stands_behind_nothing(tokens, pair) -> None:
    user = Consent.objects.get().user
    user.is_active = False
    user.save()
    refused(tokens.refresh(pair["refresh_token"]), "invalid_grant")


@pytest.mark.refusal("RT-03")
def test_more_than_was_granted_is_refused_and_the_token_stays_good(tokens, pair) -> None:
    open_service(SEARCH, bound=False)
    assert "model:embed" in refused(
        tokens.refresh(pair["refresh_token"], scope=f"{INFER} model:embed"), "invalid_scope"
    )
    refused(tokens.refresh(pair["refresh_token"], resource=SEARCH), "invalid_target")
    assert granted(tokens.refresh(pair["refresh_token"]))


def test_less_may_be_asked_and_the_rest_is_not_lost(tokens, pair) -> None:
    less = tokens.refresh(pair["refresh_token"], scope=INFER).json()
    assert less["scope"] == INFER
    assert tokens.refresh(less["refresh_token"]).json()["scope"] == f"{INFER} {TRAIN}"


def test_a_token_that_nobody_uses_ends_after_thirty_days(tokens, pair, clock) -> None:
    clock.forward(days=30)
    refused(tokens.refresh(pair["refresh_token"]), "invalid_grant")


def test_a_consent_ends_after_ninety_days_however_often_it_is_refreshed(tokens, pair, clock) -> None:
    for _ in range(3):
        clock.forward(days=29)
        pair = tokens.refresh(pair["refresh_token"]).json()
    clock.forward(days=3)
    refused(tokens.refresh(pair["refresh_token"]), "invalid_grant")


def test_the_table_holds_no_token(pair) -> None:
    row = RefreshToken.objects.values().get()
    assert row["token"] == ""
    assert pair["refresh_token"] not in str(row)


@pytest.mark.parametrize("token", ["apr_unknown", "x" * 5000, "ä"])
def test_an_unknown_token_is_an_invalid_grant(tokens, token) -> None:
    refused(tokens.refresh(token), "invalid_grant")
