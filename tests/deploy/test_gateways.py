"""Services behind nginx and Envoy: both really run, with the files of deploy/, and ask this server."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import httpx
import pytest

from passport.decisions import gateways as known
from passport.fields import Effect
from passport.limits.models import LimitPolicy
from passport.proofs.dpop import hash_of
from passport.restrictions.place import SubjectRef, place
from tests.cast import (
    EMBED,
    INFER,
    MODEL,
    Actor,
    TokenEndpoint,
    grant,
    granted,
    hire,
    open_account,
    open_service,
)
from tests.deploy import gateways

pytestmark = [pytest.mark.services, pytest.mark.django_db(transaction=True)]

RUN = {"nginx": gateways.nginx, "envoy": gateways.envoy}


class Place:
    """A service behind a gateway, and Alice's agent that may infer there."""

    def __init__(self, url: str, service: Any, scout: Actor, endpoint: TokenEndpoint) -> None:
        self.http = httpx.Client(base_url=url, timeout=10)
        self.service, self.scout, self.endpoint = service, scout, endpoint
        self.token = granted(endpoint.exchange(granted(endpoint.passport(scout)), key=scout.key))

    def ask(self, path: str = "/v1/answers?q=1", *, method: str = "POST", **headers: str) -> httpx.Response:
        target = MODEL + path.partition("?")[0]
        proof = self.scout.key.proof(url=target, method=method, ath=hash_of(self.token))
        given = {"Authorization": f"DPoP {self.token}", "DPoP": proof, "Host": "model.example", **headers}
        given = {name: value for name, value in given.items() if value}
        return self.http.request(method, path, headers=given, content=b"why?" if method == "POST" else None)


@pytest.fixture(params=sorted(RUN))
def place_behind(
    request: pytest.FixtureRequest, tmp_path: Path, house: None, live_server: Any, client: Any
) -> Iterator[Place]:
    known.forget()
    service, secret = open_service(MODEL)
    scout = hire(open_account("alice"), "scout")
    grant(scout, service, INFER, EMBED)
    shown = gateways.basic(service.pk, secret)
    issuer = live_server.url.removeprefix("http://").replace("localhost", "127.0.0.1")
    with (
        gateways.upstream() as port,
        RUN[request.param](tmp_path, issuer, f"127.0.0.1:{port}", shown) as url,
    ):
        yield Place(url, service, scout, TokenEndpoint(client))


def test_a_service_sees_who_asks_from_the_gateway_and_nothing_a_client_made_up(place_behind: Place) -> None:
    forged = {"Passport-Subject": "agent_boss", "Passport-Account": "acct_boss", "passport-client": "boss"}
    answer = place_behind.ask(**forged, Passport_Scope="all", **{"Passport-Scope": "all"})
    assert answer.status_code == 200, answer.text
    told = answer.json()
    assert (told["method"], told["path"], told["body"]) == ("POST", "/v1/answers?q=1", "why?")
    headers = dict(told["headers"])
    assert headers["passport-subject"] == headers["passport-client"] == place_behind.scout.id
    assert headers["passport-account"].startswith("acct_")
    assert headers["passport-scope"].split() == [EMBED, INFER]
    assert headers["authorization"] == f"DPoP {place_behind.token}"
    assert "boss" not in str(told["headers"])
    assert "passport-gateway" not in headers


def test_refusals_reach_the_caller_as_a_service_would_say_them(place_behind: Place) -> None:
    missing = place_behind.ask(Authorization="", DPoP="")
    assert missing.status_code == 401
    assert missing.headers["WWW-Authenticate"] == 'DPoP algs="ES256 EdDSA Ed25519"'
    stolen = place_behind.ask(DPoP="")
    assert (stolen.status_code, 'error="invalid_token"' in stolen.headers["WWW-Authenticate"]) == (401, True)
    elsewhere = place_behind.ask(DPoP=place_behind.scout.key.proof(url=f"{MODEL}/other"))
    assert 'error="invalid_dpop_proof"' in elsewhere.headers["WWW-Authenticate"]
    proof = place_behind.scout.key.proof(url=f"{MODEL}/v1/answers", ath=hash_of(place_behind.token))
    assert [place_behind.ask(DPoP=proof).status_code for _ in range(2)] == [200, 401]
    late = place_behind.scout.key.proof(url=f"{MODEL}/v1/answers", ath=hash_of(place_behind.token), iat=1)
    asked = place_behind.ask(DPoP=late)
    assert 'error="use_dpop_nonce"' in asked.headers["WWW-Authenticate"]
    nonce = asked.headers["DPoP-Nonce"]
    fresh = place_behind.scout.key.proof(
        url=f"{MODEL}/v1/answers", ath=hash_of(place_behind.token), iat=1, nonce=nonce
    )
    assert place_behind.ask(DPoP=fresh).status_code == 200
    grant(place_behind.scout, place_behind.service, EMBED)
    beyond = place_behind.ask()
    assert (beyond.status_code, 'error="insufficient_scope"' in beyond.headers["WWW-Authenticate"]) == (
        403,
        True,
    )


def test_over_the_limit_is_429_with_the_wait_and_after_a_suspension_nothing_passes(
    place_behind: Place, clock: Any
) -> None:
    LimitPolicy.objects.create(
        service=place_behind.service, scope=INFER, name="minute", applies_to="credential", quota=2,
        window_seconds=60, burst=2,
    )  # fmt: skip
    answers = [place_behind.ask(method="GET") for _ in range(3)]
    assert [answer.status_code for answer in answers] == [200, 200, 429]
    assert answers[0].headers["RateLimit"] == '"minute";r=1;t=30'
    refused = answers[2]
    assert refused.headers["Retry-After"] == "30"
    assert refused.headers["RateLimit-Policy"] == '"minute";q=2;w=60'
    assert refused.headers["Content-Type"] == "application/problem+json"
    assert refused.json()["violated-policies"] == ["minute"]
    clock.forward(seconds=31)
    assert place_behind.ask().status_code == 200
    subject = SubjectRef("agent", place_behind.scout.id, place_behind.scout.account.pk)
    place([subject], effect=Effect.SUSPEND, reason="spam", actor="user:usr_1", now=clock.now())
    clock.forward(seconds=31)
    assert place_behind.ask().status_code == 401


def test_a_gateway_that_the_issuer_does_not_know_lets_nobody_through(place_behind: Place) -> None:
    known.forget()
    place_behind.service.secret_hash = None
    place_behind.service.save()
    assert place_behind.ask().status_code == 403


def test_the_envoy_file_as_it_is_delivered_is_one_that_envoy_takes() -> None:
    done = gateways.is_valid_envoy(gateways.DEPLOY / "envoy" / "gateway.yaml")
    assert done.returncode == 0, done.stderr
