import json
from datetime import timedelta
from io import StringIO

import jwt as pyjwt
import pytest
from django.core.management import CommandError, call_command
from joserfc import jwt as joserfc_jwt
from joserfc.jwk import KeySet

from foundation import clock
from foundation.ledger.models import Entry
from passport.proofs.jwt import parse, verify
from passport.restrictions.models import Restriction
from passport.signing import keys, life
from passport.signing.models import SigningKey
from tests.passport import signing_keys

pytestmark = pytest.mark.django_db

CLAIMS = {"iss": "https://passport.test", "sub": "agent_1", "name": "é"}
STATE = SigningKey.State


@pytest.fixture(autouse=True)
def made() -> None:
    signing_keys.install()


def states(use: str = "tokens") -> dict[str, str]:
    return dict(SigningKey.objects.filter(use=use).values_list("kid", "state"))


class TestWhatWeSign:
    def test_is_verified_by_our_own_reader(self) -> None:
        jws = parse(keys.active().sign(CLAIMS, typ="at+jwt"), max_bytes=4096)
        key = keys.find_public(str(jws.kid))
        assert key is not None
        verify(jws, key.jwk, key.alg)
        assert (jws.typ, dict(jws.claims)) == ("at+jwt", CLAIMS)

    @pytest.mark.parametrize(("use", "alg"), [("tokens", "ES256"), ("events", "RS256")])
    def test_is_verified_by_pyjwt_and_by_joserfc_with_the_published_keys(self, use: str, alg: str) -> None:
        token = keys.active(use).sign(CLAIMS, typ="at+jwt")
        published = keys.jwks()
        theirs = pyjwt.PyJWKSet.from_dict(json.loads(json.dumps(published)))
        key = theirs[pyjwt.get_unverified_header(token)["kid"]]
        assert pyjwt.decode(token, key, algorithms=[alg]) == CLAIMS
        assert joserfc_jwt.decode(token, KeySet.import_key_set(published), algorithms=[alg]).claims == CLAIMS

    def test_carries_a_further_header_when_asked(self) -> None:
        jws = parse(keys.active().sign({}, typ="x+jwt", extra_header={"x": 1}), max_bytes=4096)
        assert jws.header["x"] == 1


class TestTheKeySet:
    def test_names_keys_by_thumbprint_and_shows_nothing_private(self) -> None:
        published = keys.jwks()["keys"]
        assert {key["kid"] for key in published} == {*states("tokens"), *states("events")}
        assert {member for key in published for member in key} <= {
            "kty",
            "crv",
            "x",
            "y",
            "n",
            "e",
            "kid",
            "alg",
            "use",
        }

    def test_shows_the_key_that_will_follow_before_it_signs(self) -> None:
        assert sorted(states().values()) == ["active", "next"]

    def test_private_parts_lie_sealed(self) -> None:
        row = SigningKey.objects.get(use="tokens", state="active")
        private = life.open_private(row.kid, row.sealed_private_key)
        secret = private.private_numbers().private_value.to_bytes(32, "big")  # type: ignore[union-attr]
        assert secret not in bytes(row.sealed_private_key)


class TestRotation:
    def test_waits_until_the_next_key_was_published_for_a_day(self) -> None:
        before = keys.active().kid
        with pytest.raises(life.TooEarly):
            keys.rotate(actor="system:test", now=clock.now())
        assert keys.active().kid == before

    def test_lets_the_next_sign_and_keeps_the_last_for_verifying(self) -> None:
        before, follower = keys.active().kid, next(kid for kid, state in states().items() if state == "next")
        active = keys.rotate(actor="system:test", now=clock.now() + timedelta(hours=24))
        assert active == keys.active().kid == follower
        assert keys.find_public(before) is not None
        assert sorted(states().values()) == ["active", "next", "retiring"]

    def test_withdraws_the_last_when_nothing_it_signed_can_live(self) -> None:
        before, now = keys.active().kid, clock.now()
        keys.rotate(actor="system:test", now=now, immediately=True)
        assert life.retire_due(now + life.KEPT_AFTER_USE - timedelta(seconds=1)) == 0
        assert life.retire_due(now + life.KEPT_AFTER_USE) == 1
        keys.forget()
        assert keys.find_public(before) is None

    def test_made_elsewhere_is_noticed_within_the_stated_seconds(
        self, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        before = keys.active().kid
        life.rotate("tokens", "ES256", immediately=True, actor="system:test", now=clock.now())
        assert keys.active().kid == before
        monkeypatch.setattr(keys, "STALE_SECONDS", 0.0)
        assert keys.active().kid != before

    def test_made_elsewhere_is_noticed_at_once_by_who_read_the_kid(self) -> None:
        keys.active()
        life.rotate("tokens", "ES256", immediately=True, actor="system:test", now=clock.now())
        current = SigningKey.objects.get(use="tokens", state="active").kid
        assert keys.active(kid=current).kid == current

    def test_is_in_the_record(self) -> None:
        keys.rotate(actor="user:usr_1", now=clock.now(), immediately=True)
        types = list(Entry.objects.order_by("id").values_list("type", flat=True))
        assert types[-3:] == ["signing_key.retiring", "signing_key.active", "signing_key.next"]


class TestAStolenKey:
    def test_is_withdrawn_at_once_and_another_signs(self) -> None:
        stolen = keys.active().kid
        keys.leak(stolen, actor="user:usr_1", now=clock.now())
        assert keys.find_public(stolen) is None
        assert stolen not in {key["kid"] for key in keys.jwks()["keys"]}
        assert keys.active().kid != stolen
        assert sorted(states().values()) == ["active", "leaked", "next"]

    def test_stays_stolen(self) -> None:
        stolen = keys.active().kid
        keys.leak(stolen, actor="user:usr_1", now=clock.now())
        keys.leak(stolen, actor="user:usr_1", now=clock.now())
        assert states()[stolen] == STATE.LEAKED


def test_the_keys_that_must_exist_are_made_once() -> None:
    SigningKey.objects.all().delete()
    keys.ensure_keys()
    kids = {*states("tokens"), *states("events")}
    keys.ensure_keys()
    assert {*states("tokens"), *states("events")} == kids
    assert (sorted(states("tokens").values()), list(states("events").values())) == (
        ["active", "next"],
        ["active"],
    )
    assert (keys.active().alg, keys.active("events").alg) == ("ES256", "RS256")


class TestTheCommand:
    def test_says_from_when_the_next_key_may_sign(self) -> None:
        before, out = keys.active().kid, StringIO()
        call_command("rotate_signing_key", stdout=out)
        assert "may sign from" in out.getvalue()
        assert keys.active().kid == before

    def test_rotates_at_once_when_told_to(self) -> None:
        before = keys.active().kid
        call_command("rotate_signing_key", "--now", stdout=StringIO())
        assert keys.active().kid != before

    def test_withdraws_a_stolen_key_with_all_that_it_signed(self) -> None:
        stolen = keys.active().kid
        call_command("rotate_signing_key", "--leaked", stolen, stdout=StringIO())
        placed = Restriction.objects.get(subject_type="signing_key", subject_id=stolen)
        assert (placed.final, SigningKey.objects.get(pk=stolen).effect) == (True, 3)
        assert keys.active().kid != stolen

    def test_knows_no_other_key(self) -> None:
        with pytest.raises(CommandError):
            call_command("rotate_signing_key", "--leaked", "unknown")


def test_knowing_the_keys_costs_no_query(django_assert_num_queries: object) -> None:
    kid = keys.active().kid
    with django_assert_num_queries(0):  # type: ignore[operator]
        keys.active()
        keys.find_public(kid)
        keys.jwks()


def test_a_stranger_naming_unknown_keys_costs_one_query_a_second(django_assert_num_queries: object) -> None:
    keys.active()
    with django_assert_num_queries(0):  # type: ignore[operator]
        assert [keys.find_public(f"unknown{n}") for n in range(50)] == [None] * 50
