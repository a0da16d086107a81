"""A passport for a new one: before its end, or after a restriction that kept it from being renewed."""

import pytest

from foundation.ledger.models import Entry
from passport.credentials.models import Passport
from passport.fields import Effect
from passport.protocol import ACCESS_TOKEN_TYPE, PASSPORT_TYPE
from passport.restrictions.models import Restriction
from passport.restrictions.place import SubjectRef, lift, place
from tests.cast import INFER, claims_of, grant, granted
from tests.cast import refused as is_refused


@pytest.fixture
def renew(endpoint, scout):
    def ask(passport: str, **more):
        more = {"key": scout.key, "resource": None, "requested_token_type": PASSPORT_TYPE} | more
        return endpoint.exchange(passport, **more)

    return ask


def suspended(scout, clock) -> None:
    place(
        [SubjectRef("account", scout.account.id, scout.account.id)],
        effect=Effect.SUSPEND, reason="abuse", actor="user:usr_staff", now=clock.now(),
    )  # fmt: skip


def lifted(clock) -> None:
    ids = list(Restriction.objects.values_list("pk", flat=True))
    lift(ids, actor="user:usr_staff", now=clock.now(), reason="undo")


def test_a_renewed_passport_lives_thirty_days_from_now(renew, scouts_passport, clock) -> None:
    clock.forward(days=20)
    answer = renew(scouts_passport)
    old, new = claims_of(scouts_passport), claims_of(granted(answer))
    assert new["exp"] - old["exp"] == 20 * 86400
    assert answer.json()["token_type"] == "N_A"
    assert Passport.objects.get(jti=new["jti"]).renewed_from == old["jti"]
    assert Entry.objects.filter(type="passport.renewed").count() == 1


def test_a_renewal_gains_no_scope(endpoint, renew, scout, model) -> None:
    narrow = granted(endpoint.passport(scout, scope=INFER))
    assert claims_of(granted(renew(narrow)))["scope"] == INFER
    is_refused(renew(narrow, scope="model:embed"), "invalid_scope")


def test_a_renewal_loses_what_was_taken_away(renew, scout, model, scouts_passport) -> None:
    grant(scout, model, INFER)
    assert claims_of(granted(renew(scouts_passport)))["scope"] == INFER


def test_without_the_key_nothing_is_renewed(renew, mallory, scouts_passport) -> None:
    is_refused(renew(scouts_passport, key=None), "invalid_request", reason="proof_missing")
    is_refused(renew(scouts_passport, key=mallory.key), "invalid_request", reason="other_key")


def test_an_expired_passport_is_not_renewed(renew, scouts_passport, clock) -> None:
    clock.forward(days=31)
    is_refused(renew(scouts_passport), "invalid_request", reason="passport_expired")


def test_a_passport_that_expired_under_a_restriction_is_renewed_after_the_undo(
    renew, scout, scouts_passport, clock
) -> None:
    clock.forward(days=29)
    suspended(scout, clock)
    clock.forward(days=3)
    is_refused(renew(scouts_passport), "invalid_request", reason="account_suspended")
    lifted(clock)
    clock.forward(days=29)
    granted(renew(scouts_passport))
    clock.forward(days=2)
    is_refused(renew(scouts_passport), "invalid_request", reason="passport_expired")


def test_a_restriction_that_was_lifted_in_time_gives_no_grace(renew, scout, scouts_passport, clock) -> None:
    suspended(scout, clock)
    clock.forward(days=1)
    lifted(clock)
    clock.forward(days=30)
    is_refused(renew(scouts_passport), "invalid_request", reason="passport_expired")


def test_an_access_token_does_not_become_a_passport(endpoint, renew, scout, scouts_passport) -> None:
    token = granted(endpoint.exchange(scouts_passport, key=scout.key))
    is_refused(renew(token, subject_token_type=ACCESS_TOKEN_TYPE), "invalid_request")
