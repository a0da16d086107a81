"""Refusals of DPoP proofs at the token endpoint. A proof that is good gets on to what the agent lacks."""

from datetime import timedelta

import pytest

from foundation import clock
from passport.proofs import nonces
from tests.passport.crafting import ALICE, ED, MALLORY, P384, RSA, b64
from tests.passport.oauth.asking import ISSUER, MODEL, Door, assertion, now, refused, signed_in
from tests.vectors import make

DOOR = Door("/oauth/token")
URL = f"{ISSUER}/oauth/token"


def proof(key=ALICE, **bent):
    return make.proof(key, **{"iat": now(), "htu": URL, **bent})


@pytest.fixture
def ask(agent, service):
    def send(value: str):
        form = signed_in(assertion(agent.client_id), grant_type="client_credentials", resource=MODEL)
        return DOOR.post(form, dpop=value)

    return send


@pytest.fixture
def is_refused(ask):
    return lambda value: refused(ask(value), 400, "invalid_dpop_proof")


def is_taken(response) -> None:
    refused(response, 400, "unauthorized_client")


def test_a_good_proof_is_taken(ask) -> None:
    is_taken(ask(proof()))
    is_taken(ask(proof(ED)))
    is_taken(ask(proof(htu="HTTPS://Passport.Test:443/%6fauth/token?x#y")))


@pytest.mark.refusal("DPOP-01")
def test_more_than_one_proof_is_refused(is_refused) -> None:
    is_refused(f"{proof()},{proof(jti='2')}")
    is_refused(f"{proof()}, {proof(jti='2')}")


@pytest.mark.refusal("DPOP-02")
@pytest.mark.parametrize("typ", [None, "jwt", "at+jwt"])
def test_what_is_not_a_proof_is_refused(is_refused, typ) -> None:
    is_refused("hello")
    is_refused(proof(header={"typ": typ}))


@pytest.mark.refusal("DPOP-03")
@pytest.mark.parametrize("alg", ["none", "HS256", "RS256", "ES384", "EdDSA", "Ed25519"])
def test_an_algorithm_not_listed_or_not_the_keys_is_refused(is_refused, alg) -> None:
    is_refused(proof(header={"alg": alg}))
    is_refused(proof(RSA))
    is_refused(proof(P384))


@pytest.mark.refusal("DPOP-04")
def test_a_key_that_is_missing_private_or_off_its_curve_is_refused_and_not_repeated(is_refused) -> None:
    is_refused(proof(header={"jwk": None}))
    is_refused(proof(header={"jwk": {"kty": "oct", "k": "c2VjcmV0"}}))
    for member in ("d", "p", "q", "dp", "dq", "qi", "k"):
        body = is_refused(proof(header={"jwk": {**ALICE.jwk, member: "c2VjcmV0"}}))
        assert "c2VjcmV0" not in str(body)
    is_refused(proof(header={"jwk": {**ALICE.jwk, "y": ALICE.jwk["x"]}}))
    is_refused(proof(ED, header={"jwk": {**ED.jwk, "x": b64(bytes(32))}}))


@pytest.mark.refusal("DPOP-05")
def test_a_proof_signed_by_another_key_is_refused(is_refused) -> None:
    is_refused(proof(MALLORY, header={"jwk": ALICE.jwk}))


@pytest.mark.refusal("DPOP-06")
@pytest.mark.parametrize("htm", ["post", "GET", None])
def test_a_proof_for_another_method_is_refused(is_refused, htm) -> None:
    is_refused(proof(htm=htm))


@pytest.mark.refusal("DPOP-07")
@pytest.mark.parametrize(
    "htu",
    [f"{URL}s", "https://other.test/oauth/token", "https://passport.test:8443/oauth/token",
     "http://passport.test/oauth/token", "/oauth/token"],
)  # fmt: skip
def test_a_proof_for_another_url_is_refused(is_refused, htu) -> None:
    is_refused(proof(htu=htu))


@pytest.mark.refusal("DPOP-08")
@pytest.mark.parametrize("seconds", [-62, 33])
def test_a_proof_out_of_time_is_asked_for_a_nonce_and_taken_with_it(ask, seconds) -> None:
    response = ask(proof(iat=now() + seconds))
    refused(response, 400, "use_dpop_nonce")
    is_taken(ask(proof(iat=now() - 86_400, nonce=response["DPoP-Nonce"])))


@pytest.mark.refusal("DPOP-09")
@pytest.mark.parametrize(
    "bent",
    [{"iat": None}, {"iat": "1"}, {"iat": True}, {"iat": 1.5}, {"jti": None}, {"jti": "j" * 257}],
    ids=str,
)
def test_a_proof_without_time_or_name_is_refused(is_refused, bent) -> None:
    is_refused(proof(**bent))


@pytest.mark.refusal("DPOP-11")
def test_a_nonce_forged_or_old_is_refused_with_a_fresh_one(ask) -> None:
    old = nonces.issue(clock.now() - timedelta(seconds=nonces.LIFE_SECONDS))
    for nonce in ("A" * 24, old, "", 7):
        response = ask(proof(nonce=nonce))
        refused(response, 400, "use_dpop_nonce")
        assert nonces.is_valid(response["DPoP-Nonce"], clock.now())
