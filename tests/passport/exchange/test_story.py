"""From a registered agent to a token, through HTTP: the claims of both credentials, member by member."""

from passport.credentials.pairwise import pairwise_id
from passport.limits.models import LimitPolicy
from passport.protocol import ACCESS_TOKEN_TYPE, PASSPORT_TYPE
from tests.cast import INFER, ISSUER, MODEL, claims_of, granted, header_of

NOON = 1795521600
ASSURANCE = {
    "identity": {"level": "document", "method": "sandbox", "time": "2026-11-20"},
    "payment": {"level": "instrument", "time": "2026-11-20"},
}
MINUTE = [{"scope": INFER, "policy": "minute", "q": 60, "w": 60}]


def limit_inference(model) -> None:
    LimitPolicy.objects.create(
        service=model, scope=INFER, name="minute", applies_to="credential",
        quota=60, window_seconds=60, burst=10,
    )  # fmt: skip


def test_a_passport_holds_exactly_what_the_design_says(endpoint, scout, model) -> None:
    limit_inference(model)
    answer = endpoint.passport(scout)
    passport, body = granted(answer), answer.json()
    claims = claims_of(passport)
    assert {**body, "access_token": ""} == {
        "access_token": "", "token_type": "N_A", "issued_token_type": PASSPORT_TYPE,
        "expires_in": 30 * 86400, "scope": "model:embed model:infer",
    }  # fmt: skip
    assert header_of(passport)["typ"] == "agent-passport+jwt"
    status = claims["status"]["status_list"]
    assert claims == {
        "iss": ISSUER, "sub": scout.id, "aud": ISSUER, "jti": claims["jti"],
        "iat": NOON, "exp": NOON + 30 * 86400,
        "cnf": {"jkt": scout.key.thumbprint}, "scope": "model:embed model:infer",
        "agent": {"name": "scout", "purpose": "reads papers", "software": "reader/1.0", "environment": "sandbox"},
        "assurance": ASSURANCE, "limits": MINUTE,
        "status": {"status_list": {"idx": status["idx"], "uri": f"{ISSUER}/status/1"}},
    }  # fmt: skip


def test_an_access_token_holds_exactly_what_the_design_says(endpoint, scout, model) -> None:
    limit_inference(model)
    passport = granted(endpoint.passport(scout))
    answer = endpoint.exchange(passport, key=scout.key, scope=INFER)
    token, body = granted(answer), answer.json()
    claims = claims_of(token)
    assert {**body, "access_token": ""} == {
        "access_token": "", "token_type": "DPoP", "issued_token_type": ACCESS_TOKEN_TYPE,
        "expires_in": 300, "scope": INFER,
    }  # fmt: skip
    assert header_of(token)["typ"] == "at+jwt"
    assert claims == {
        "iss": ISSUER, "sub": scout.id, "client_id": scout.id, "aud": MODEL, "jti": claims["jti"],
        "iat": NOON, "exp": NOON + 300, "scope": INFER, "cnf": {"jkt": scout.key.thumbprint},
        "status": claims_of(passport)["status"], "account": pairwise_id(scout.account.id, MODEL),
        "assurance": ASSURANCE, "limits": MINUTE, "trace": claims["trace"],
    }  # fmt: skip
    assert len(claims["trace"]) == 22


def test_the_answer_says_what_the_limits_hold(endpoint, scout, scouts_passport) -> None:
    answer = endpoint.exchange(scouts_passport, key=scout.key)
    assert answer.headers["RateLimit-Policy"] == '"agent";q=60;w=60, "account";q=600;w=60'
    assert answer.headers["RateLimit"].startswith('"agent";r=58;t=')
    assert answer.headers["DPoP-Nonce"]


def test_any_origin_may_ask_without_cookies(endpoint) -> None:
    preflight = endpoint.client.options("/oauth/token", HTTP_ORIGIN="https://page.example")
    assert preflight.headers["Access-Control-Allow-Origin"] == "*"
    assert "DPoP" in preflight.headers["Access-Control-Allow-Headers"]
