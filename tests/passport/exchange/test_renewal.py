"""A passport for a new one: before its end, or after a restriction that kept it from being renewed."""

from io import StringIO

import pytest
from django.core.management import call_command

from foundation.ledger.models import Entry
from passport.credentials.models import Passport
from passport.fields import Effect
from passport.protocol import ACCESS_TOKEN_TYPE, PASSPORT_TYPE
from passport.restrictions.leaked_keys import progress
from passport.restrictions.models import Restriction
from passport.restrictions.place import SubjectRef, lift, place
from passport.signing.models import SigningKey
from tests.cast import INFER, Key, claims_of, grant, granted, header_of
from tests.cast import refused as is_refused
from tests.conftest import OUR_KEY


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


class TestWhenOurSigningKeyLeaked:
    @pytest.fixture
    def leaked(self, scouts_passport) -> str:
        kid = header_of(scouts_passport)["kid"]
        call_command("rotate_signing_key", "--leaked", kid, stdout=StringIO())
        return kid

    def test_a_passport_is_issued_anew_by_a_proof_of_its_key(
        self, endpoint, renew, scout, scouts_passport, leaked, clock
    ) -> None:
        is_refused(endpoint.exchange(scouts_passport, key=scout.key), "invalid_request")
        assert progress(leaked, clock.now()).issued_anew == 0
        passport = granted(renew(scouts_passport))
        granted(endpoint.exchange(passport, key=scout.key))
        assert header_of(passport)["kid"] != leaked
        found = progress(leaked, clock.now())
        assert (found.ended, found.issued_anew, found.published) == (1, 1, True)

    @pytest.mark.shows("EX-03")
    def test_what_the_thief_signs_is_not_issued_anew(self, renew, scout, scouts_passport, leaked) -> None:
        thief = Key(OUR_KEY)
        forged = thief.jws(header_of(scouts_passport), {**claims_of(scouts_passport), "scope": "model:train"})
        is_refused(renew(forged), "invalid_request", reason="signing_key_unknown")

    def test_without_the_passport_s_own_key_it_is_not_issued_anew(
        self, renew, scouts_passport, leaked
    ) -> None:
        is_refused(renew(scouts_passport, key=Key()), "invalid_request", reason="other_key")

    def test_what_restricts_the_agent_restricts_it_still(
        self, renew, scout, scouts_passport, leaked, clock
    ) -> None:
        suspended(scout, clock)
        is_refused(renew(scouts_passport), "invalid_request", reason="account_suspended")

    def test_the_command_goes_on_when_it_is_run_again(self, renew, scouts_passport, leaked) -> None:
        granted(renew(scouts_passport))
        said = StringIO()
        call_command("rotate_signing_key", "--leaked", leaked, stdout=said)
        assert "was withdrawn before" in said.getvalue()
        assert "passports ended: 1; issued anew so far: 1" in said.getvalue()
        assert Restriction.objects.filter(subject_type="signing_key").count() == 1
        assert SigningKey.objects.filter(use="tokens", state="leaked").count() == 1
