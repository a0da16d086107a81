"""Refusals of private_key_jwt, through the revocation endpoint: an agent that got in gets an empty 200."""

import hashlib
import hmac
from datetime import timedelta

import pytest
from cryptography.hazmat.primitives import serialization

from foundation import clock
from passport.agents.keys import parse_public_jwk
from passport.agents.models import AgentKey
from passport.agents.registration import add_key, retire_key
from tests.passport.crafting import ALICE, ED, MALLORY, P384, RSA, b64, raw_jws, segment
from tests.passport.oauth.asking import ISSUER, Door, agent_of, assertion, now, refused, signed_in

DOOR = Door("/oauth/revoke")


def send(token: str, **more: str):
    return DOOR.post(signed_in(token, token="unknown", **more))


def is_refused(token: str, **more: str) -> None:
    refused(send(token, **more), 401, "invalid_client")


def test_a_good_assertion_gets_in(agent) -> None:
    assert send(assertion(agent.client_id)).status_code == 200
    assert send(assertion(agent.client_id), client_id=agent.client_id).status_code == 200


@pytest.mark.parametrize(
    "typ", ["JWT", "jwt", "client-authentication+jwt", "application/client-authentication+jwt", None]
)
def test_the_usual_types_get_in(agent, typ) -> None:
    assert send(assertion(agent.client_id, header={"typ": typ})).status_code == 200


@pytest.mark.parametrize("key", [P384, RSA, ED], ids=lambda key: key.name)
def test_every_kind_of_key_gets_in_with_and_without_kid(key) -> None:
    agent = agent_of("bob", key)
    assert send(assertion(agent.client_id, key)).status_code == 200
    assert send(assertion(agent.client_id, key, header={"kid": key.thumbprint})).status_code == 200


def test_a_long_lived_assertion_as_authlib_makes_it_gets_in(agent) -> None:
    assert send(assertion(agent.client_id, exp=now() + 3600)).status_code == 200


def test_an_assertion_without_iat_gets_in_for_five_minutes(agent) -> None:
    assert send(assertion(agent.client_id, iat=None, exp=now() + 290)).status_code == 200


@pytest.mark.refusal("ASRT-01")
@pytest.mark.parametrize(
    "aud",
    [f"{ISSUER}/oauth/token", f"{ISSUER}/oauth/par", f"{ISSUER}/", ISSUER.upper(), [ISSUER, "https://other.test"],
     [ISSUER, ISSUER], [], None, {"a": 1}],
)  # fmt: skip
def test_any_other_audience_is_refused(agent, aud) -> None:
    is_refused(assertion(agent.client_id, aud=aud))


@pytest.mark.refusal("ASRT-02")
@pytest.mark.parametrize(
    "claims",
    [{"exp": None}, {"exp": -31}, {"exp": 3700}, {"iat": -301}, {"iat": 40, "exp": 100}, {"nbf": 40},
     {"iat": None, "exp": 400}, {"exp": "1"}, {"exp": True}, {"iat": 0.5}, {"exp": 2**60}],
    ids=str,
)  # fmt: skip
def test_times_out_of_bounds_are_refused(agent, claims) -> None:
    said = {name: now() + value if type(value) in (int, float) else value for name, value in claims.items()}
    is_refused(assertion(agent.client_id, **said))


@pytest.mark.refusal("ASRT-03")
def test_a_jti_missing_odd_or_seen_is_refused(agent) -> None:
    for jti in (None, 7, "", "j" * 257, ["a"]):
        is_refused(assertion(agent.client_id, jti=jti))
    assert send(assertion(agent.client_id, jti="once")).status_code == 200
    body = refused(send(assertion(agent.client_id, jti="once")), 401, "invalid_client")
    assert body["error_uri"] == f"{ISSUER}/docs/errors#assertion_replayed"


def test_the_same_jti_of_two_agents_is_two(agent, stranger) -> None:
    assert send(assertion(agent.client_id, jti="once")).status_code == 200
    assert send(assertion(stranger.client_id, MALLORY, jti="once")).status_code == 200


@pytest.mark.refusal("ASRT-04")
def test_other_parties_and_unknown_clients_are_refused_with_one_answer(agent, stranger) -> None:
    is_refused(assertion(agent.client_id, iss=stranger.client_id))
    is_refused(assertion(agent.client_id), client_id=stranger.client_id)
    unknown = send(assertion("agent_01JUNKNOWN")).json()
    assert send(assertion(agent.client_id, MALLORY)).json() == unknown
    for sub in (None, 7, "", "a\u0000b", "é", "x" * 300):
        is_refused(assertion("agent_x", sub=sub, iss=sub))


@pytest.mark.refusal("ASRT-05")
@pytest.mark.parametrize("alg", ["none", "nOnE", ""])
def test_an_unsigned_assertion_is_refused(agent, alg) -> None:
    token = assertion(agent.client_id, header={"alg": alg})
    is_refused(token)
    is_refused(f"{token.rpartition('.')[0]}.")


@pytest.mark.refusal("ASRT-06")
def test_the_public_key_is_no_hmac_secret(agent) -> None:
    public = RSA.private.public_key()
    encodings = [
        public.public_bytes(encoding, serialization.PublicFormat.SubjectPublicKeyInfo)
        for encoding in (serialization.Encoding.PEM, serialization.Encoding.DER)
    ]
    rsa_agent = agent_of("bob", RSA)
    unsigned = assertion(rsa_agent.client_id, header={"alg": "HS256"}).rpartition(".")[0]
    for secret in (*encodings, segment(RSA.jwk).encode()):
        is_refused(f"{unsigned}.{b64(hmac.new(secret, unsigned.encode(), hashlib.sha256).digest())}")


@pytest.mark.refusal("ASRT-07")
@pytest.mark.parametrize(("key", "alg"), [(RSA, "PS256"), (P384, "ES256"), (ALICE, "ES384"), (ED, "ES256")])
def test_another_algorithm_than_the_keys_is_refused(key, alg) -> None:
    agent = agent_of("bob", key)
    is_refused(assertion(agent.client_id, key, header={"alg": alg}))


@pytest.mark.refusal("ASRT-08")
def test_a_kid_of_nobody_or_of_another_client_is_refused(agent, stranger) -> None:
    is_refused(assertion(agent.client_id, header={"kid": "unregistered"}))
    is_refused(assertion(agent.client_id, MALLORY, header={"kid": MALLORY.thumbprint}))
    is_refused(assertion(agent.client_id, ED))


@pytest.mark.refusal("ASRT-09")
def test_a_key_out_of_use_is_refused(agent) -> None:
    moment = clock.now()
    for change in (
        {"effect": 3},
        {"effect": 2},
        {"not_before": moment + timedelta(hours=1)},
        {"not_after": moment},
    ):
        AgentKey.objects.filter(agent=agent).update(**change)
        is_refused(assertion(agent.client_id))
        AgentKey.objects.filter(agent=agent).update(effect=0, not_before=moment, not_after=None)
    for kid in ("a'b", "../a", "k" * 4000):
        is_refused(assertion(agent.client_id, header={"kid": kid}))
    is_refused(assertion(agent.client_id, header={"kid": "k" * 1_000}))
    retire_key(agent.keys.get(), actor="user:usr_1", now=moment)
    is_refused(assertion(agent.client_id))


def test_while_two_keys_overlap_both_get_in(agent) -> None:
    add_key(agent, parse_public_jwk(MALLORY.jwk), actor="user:usr_1", now=clock.now())
    assert send(assertion(agent.client_id)).status_code == 200
    assert send(assertion(agent.client_id, MALLORY)).status_code == 200


@pytest.mark.refusal("ASRT-10")
@pytest.mark.parametrize("member", ["jwk", "x5c", "jku", "x5u"])
def test_a_key_that_the_assertion_brings_is_refused(agent, member, monkeypatch) -> None:
    monkeypatch.setattr("socket.socket.connect", lambda *_: pytest.fail("something was fetched"))
    value = (
        MALLORY.jwk if member == "jwk" else [b64(b"MII")] if member == "x5c" else "https://mallory.test/keys"
    )
    is_refused(assertion(agent.client_id, MALLORY, header={member: value}))


@pytest.mark.refusal("ASRT-11")
@pytest.mark.parametrize(
    "typ", ["at+jwt", "dpop+jwt", "agent-passport+jwt", "secevent+jwt", "application/application/jwt"]
)
def test_a_jwt_of_another_kind_is_refused(agent, typ) -> None:
    is_refused(assertion(agent.client_id, header={"typ": typ}))


@pytest.mark.refusal("ASRT-12")
def test_other_forms_are_refused(agent) -> None:
    is_refused(assertion(agent.client_id, header={"crit": ["exp"], "exp": 1}))
    is_refused(assertion(agent.client_id, header={"b64": False}))
    header, claims, signature = assertion(agent.client_id).split(".")
    is_refused(f'{{"protected":"{header}","payload":"{claims}","signature":"{signature}"}}')
    twice = f'{{"iss":"{agent.client_id}","sub":"agent_x","sub":"{agent.client_id}"}}'
    is_refused(raw_jws(ALICE, header, b64(twice.encode())))
    is_refused(assertion(agent.client_id, padding="x" * 4096))
    is_refused(raw_jws(ALICE, header, b64(b"[" * 2000)))


@pytest.mark.refusal("ASRT-13")
def test_an_ecdsa_signature_of_another_form_is_refused(agent) -> None:
    unsigned = assertion(agent.client_id).rpartition(".")[0]
    der = ALICE.der_signature(unsigned.encode())
    for signature in (der, bytes(64), bytes(32) + b"x" * 32, b"x" * 32 + bytes(32), b"x" * 65):
        is_refused(f"{unsigned}.{b64(signature)}")


@pytest.mark.refusal("ASRT-15")
@pytest.mark.parametrize("kind", ["urn:ietf:params:oauth:client-assertion-type:saml2-bearer", None])
def test_another_assertion_type_or_none_is_a_malformed_request(agent, kind) -> None:
    form = {"token": "a", "client_assertion": assertion(agent.client_id)} | (
        {"client_assertion_type": kind} if kind else {}
    )
    refused(DOOR.post(form), 400, "invalid_request")


@pytest.mark.shows("ASRT-15")
def test_an_assertion_type_alone_is_a_malformed_request() -> None:
    form = signed_in("x", token="a")
    del form["client_assertion"]
    refused(DOOR.post(form), 400, "invalid_request")
