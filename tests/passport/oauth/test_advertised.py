"""What the metadata says of the server is what the server does: a check for each member, none without."""

import json
import re
from typing import Any
from urllib.parse import urlsplit

import jwt
import pytest

from foundation import clock
from foundation.outbound import documents
from foundation.outbound.client import Fetched
from passport.agents import own_api, own_client
from passport.agents.models import AgentKey
from passport.oauth.metadata import describe_api, describe_server
from passport.protocol import (
    ACCESS_TOKEN_TYPE,
    AUTHORIZATION_CODE,
    CLIENT_CREDENTIALS,
    DEVICE_CODE,
    JWT_BEARER_ASSERTION,
    TYP_PROOF,
)
from passport.services.grant_details import set_details
from passport.services.models import INTROSPECTION_ALGS, Service
from passport.services.registration import ISSUER_SCOPES
from passport.signing.keys import ensure_keys
from tests.cast import (
    INFER,
    ISSUER,
    MODEL,
    TOKEN_ENDPOINT,
    claims_of,
    granted,
    header_of,
    hire,
    open_account,
    open_service,
    refused,
)
from tests.passport.crafting import ALICE, ED, P384, PSS, RSA, TestKey, jws
from tests.passport.oauth.advertising import CHECKS, World, member
from tests.passport.oauth.consenting import REDIRECT, VERIFIER, Person, Tokens, ask, let_ask, sent_back

OFFERED_ALGS = {"ES256": ALICE, "ES384": P384, "EdDSA": ED, "Ed25519": ED, "RS256": RSA, "PS256": PSS}
DETAILS = {
    "spend": {"type": "spend", "currency": "EUR", "amount": "5.00", "period": "month"},
    "data": {"type": "data", "datatypes": ["prompts"], "volume": 1024, "period": "day"},
}


@pytest.fixture
def world(endpoint, scout, scouts_passport) -> World:
    ensure_keys()
    service, secret = open_service("https://asking.example", issuer_scopes=sorted(ISSUER_SCOPES))
    return World(describe_server(), endpoint, scout, service, secret, scouts_passport)


@pytest.mark.parametrize("name", sorted(describe_server()))
def test_each_member_is_what_the_server_does(name, world) -> None:
    assert name in CHECKS, f"{name} is advertised, and no test compares it with behaviour"
    CHECKS[name](world)


def test_nothing_is_checked_that_is_not_advertised() -> None:
    assert set(CHECKS) - set(describe_server()) == set()


@member("issuer")
def the_issuer_is_in_every_token(world: World) -> None:
    assert claims_of(world.access_token())["iss"] == claims_of(world.passport)["iss"] == world.said["issuer"]


@member("token_endpoint")
def the_token_endpoint_gives_tokens(world: World) -> None:
    assert world.said["token_endpoint"] == TOKEN_ENDPOINT
    assert world.post("token_endpoint", {"grant_type": "x"}).json()["error"] == "unsupported_grant_type"


@member("jwks_uri")
def our_signatures_are_verified_by_these_keys(world: World) -> None:
    published = world.browser.get(urlsplit(world.said["jwks_uri"]).path).json()["keys"]
    for token in (world.passport, world.access_token()):
        (key,) = [one for one in published if one["kid"] == header_of(token)["kid"]]
        jwt.decode(
            token, jwt.PyJWK(key), options={"verify_aud": False, "verify_exp": False, "verify_iat": False}
        )


@member("revocation_endpoint")
def a_token_that_is_revoked_there_is_not_good(world: World) -> None:
    token = world.access_token()
    form = {"token": token, **world.scout.authenticated()}
    assert world.post("revocation_endpoint", form).status_code == 200
    answer = world.endpoint.exchange(token, key=world.scout.key, subject_token_type=ACCESS_TOKEN_TYPE)
    refused(answer, "invalid_request")


@member("introspection_endpoint")
def it_tells_whether_a_token_is_good(world: World) -> None:
    answer = world.post("introspection_endpoint", {"token": world.access_token()}, **world.basic())
    assert answer.json() == {"active": False}, "for another audience"


@member("status_list_aggregation_endpoint")
def every_tokens_list_is_listed(world: World) -> None:
    lists = world.browser.get(urlsplit(world.said["status_list_aggregation_endpoint"]).path).json()
    assert claims_of(world.access_token())["status"]["status_list"]["uri"] in lists["status_lists"]


@member("protected_resources")
def each_has_a_document_of_its_own(world: World) -> None:
    for resource in world.said["protected_resources"]:
        path = urlsplit(resource).path
        document = world.browser.get(f"/.well-known/oauth-protected-resource{path}").json()
        assert document["resource"] == resource
        assert world.said["issuer"] in document["authorization_servers"]


@member("scopes_supported")
def a_service_or_a_person_may_be_given_each_scope(world: World) -> None:
    for scope in own_api.SCOPES:
        form = {"client_id": own_client.CLIENT_ID, "resource": f"{ISSUER}/v1", "scope": scope}
        assert "user_code" in world.post("device_authorization_endpoint", form).json()
    for scope in set(world.said["scopes_supported"]) - set(own_api.SCOPES):
        form = {"grant_type": CLIENT_CREDENTIALS, "resource": f"{ISSUER}/v1", "scope": scope}
        assert world.post("token_endpoint", form, **world.basic()).json()["scope"] == scope


@member("grant_types_supported")
def each_grant_is_known_and_no_other(world: World) -> None:
    named = world.said["grant_types_supported"]
    for grant in {*named, "password", "implicit", "urn:ietf:params:oauth:grant-type:jwt-bearer"}:
        error = world.post("token_endpoint", {"grant_type": grant}).json()["error"]
        assert (error == "unsupported_grant_type") == (grant not in named), grant


@member("dpop_signing_alg_values_supported")
def a_proof_by_each_algorithm_is_read_and_by_no_other(world: World) -> None:
    for alg, key in OFFERED_ALGS.items():
        claims = {
            "jti": f"j-{alg}",
            "htm": "POST",
            "htu": TOKEN_ENDPOINT,
            "iat": int(clock.now().timestamp()),
        }
        proof = jws(key, claims, header={"alg": alg, "typ": TYP_PROOF, "jwk": key.jwk})
        answer = world.endpoint.exchange(world.passport, proof=proof).json()
        offered = alg in world.said["dpop_signing_alg_values_supported"]
        # A good proof, though by another key than the passport's.
        assert (answer["error"] == "invalid_dpop_proof") == (not offered), (alg, answer)


@member("introspection_signing_alg_values_supported")
def answers_are_signed_by_each_algorithm(world: World) -> None:
    assert world.said["introspection_signing_alg_values_supported"] == list(INTROSPECTION_ALGS)
    for alg in INTROSPECTION_ALGS:
        Service.objects.filter(pk=world.service.pk).update(introspection_signed_response_alg=alg)
        accept = {"HTTP_ACCEPT": "application/token-introspection+jwt"}
        answer = world.post("introspection_endpoint", {"token": "x"}, **world.basic(), **accept)
        assert header_of(answer.content.decode())["alg"] == alg


@member("token_endpoint_auth_methods_supported")
def each_way_of_authenticating_is_taken(world: World) -> None:
    assert set(world.said["token_endpoint_auth_methods_supported"]) == {
        "private_key_jwt", "none", "client_secret_basic",
    }  # fmt: skip
    assert claims_of(world.access_token())["client_id"] == world.scout.id, (
        "none: by the passport's proof alone"
    )
    assert world.endpoint.passport(world.scout).status_code == 200
    own = {"grant_type": CLIENT_CREDENTIALS, "resource": f"{ISSUER}/v1"}
    assert world.post("token_endpoint", own, **world.basic()).status_code == 200
    posted = {**own, "client_id": world.service.id, "client_secret": world.secret}
    assert world.post("token_endpoint", posted).status_code == 401


@member("introspection_endpoint_auth_methods_supported")
def only_who_authenticates_introspects(world: World) -> None:
    assert set(world.said["introspection_endpoint_auth_methods_supported"]) == {
        "private_key_jwt", "client_secret_basic",
    }  # fmt: skip
    callers_authenticate(world, "introspection_endpoint")
    public = let_ask(hire(open_account("asking"), "asker"), public=True)
    assert world.post("introspection_endpoint", {"token": "x", "client_id": public.id}).status_code == 401


@member("revocation_endpoint_auth_methods_supported")
def clients_without_authentication_revoke_by_their_id(world: World) -> None:
    assert set(world.said["revocation_endpoint_auth_methods_supported"]) == {
        "private_key_jwt", "none", "client_secret_basic",
    }  # fmt: skip
    callers_authenticate(world, "revocation_endpoint")
    open_service("https://people.example", bound=False)
    asker, dora = let_ask(hire(open_account("asking"), "asker"), public=True), Person()
    tokens = Tokens(world.endpoint, asker, public=True)
    body = tokens.redeem(dora.gives_code(ask(asker.id, resource="https://people.example"))).json()
    form = {"token": body["refresh_token"], "client_id": asker.id}
    assert world.post("revocation_endpoint", {**form, "client_id": world.scout.id}).status_code == 401
    assert world.post("revocation_endpoint", form).status_code == 200
    assert tokens.refresh(body["refresh_token"]).json()["error"] == "invalid_grant"


def callers_authenticate(world: World, endpoint: str) -> None:
    """By secret or by key, or they are refused."""
    assert world.post(endpoint, {"token": "x"}).status_code == 401
    assert world.post(endpoint, {"token": "x"}, **world.basic()).status_code == 200
    assert world.post(endpoint, {"token": "x", **by_key(world, ALICE, "ES256")}).status_code == 200


@member(
    "token_endpoint_auth_signing_alg_values_supported",
    "revocation_endpoint_auth_signing_alg_values_supported",
    "introspection_endpoint_auth_signing_alg_values_supported",
)
def an_assertion_by_each_algorithm_is_taken(world: World) -> None:
    for endpoint in ("token", "revocation", "introspection"):
        assert set(world.said[f"{endpoint}_endpoint_auth_signing_alg_values_supported"]) == set(OFFERED_ALGS)
    for alg, key in OFFERED_ALGS.items():
        form = {"grant_type": CLIENT_CREDENTIALS, "resource": f"{ISSUER}/v1", **by_key(world, key, alg)}
        assert world.post("token_endpoint", form).status_code == 200, alg
        for endpoint in ("revocation", "introspection"):
            form = {"token": "x", **by_key(world, key, alg)}
            assert world.post(f"{endpoint}_endpoint", form).status_code == 200, alg


def by_key(world: World, key: TestKey, alg: str) -> dict[str, str]:
    """The service, with that key registered alone, authenticates by it."""
    Service.objects.filter(pk=world.service.pk).update(jwks={"keys": [key.jwk]})
    now = int(clock.now().timestamp())
    claims = {
        "iss": world.service.id, "sub": world.service.id, "aud": ISSUER, "iat": now, "exp": now + 60,
        "jti": f"{alg}-{AgentKey.objects.count()}-{next(NUMBERS)}",
    }  # fmt: skip
    return {
        "client_assertion_type": JWT_BEARER_ASSERTION,
        "client_assertion": jws(key, claims, header={"alg": alg}),
    }


NUMBERS = iter(range(10_000))


@member("service_documentation")
def the_documentation_is_there(world: World) -> None:
    assert world.browser.get(urlsplit(world.said["service_documentation"]).path).status_code == 200


@member("ui_locales_supported")
def pages_are_in_the_languages_it_names(world: World) -> None:
    page = world.browser.get(urlsplit(world.said["service_documentation"]).path)
    assert [re.search(r'<html lang="([a-z]+)"', page.content.decode())[1]] == world.said[
        "ui_locales_supported"
    ]


@member(
    "authorization_endpoint", "response_types_supported", "response_modes_supported",
    "code_challenge_methods_supported", "authorization_response_iss_parameter_supported",
)  # fmt: skip
def a_person_is_asked_and_the_answer_names_the_issuer(world: World) -> None:
    open_service("https://people.example", bound=False)
    asker, dora = let_ask(hire(open_account("asking"), "asker")), Person()
    where = {"resource": "https://people.example"}
    assert urlsplit(world.said["authorization_endpoint"]).path == urlsplit(ask(asker.id)).path
    for response_type in ("code", "token", "id_token", "code token"):
        path = ask(asker.id, response_type=response_type, **where)
        shown = dora.client.get(path).status_code == 200
        assert shown == (response_type in world.said["response_types_supported"])
    for method in ("S256", "plain"):
        shown = dora.client.get(ask(asker.id, code_challenge_method=method, **where)).status_code == 200
        assert shown == (method in world.said["code_challenge_methods_supported"])
    answer = dora.decides(ask(asker.id, **where))
    assert world.said["response_modes_supported"] == ["query"]
    assert sent_back(answer)["iss"] == world.said["issuer"]
    assert world.said["authorization_response_iss_parameter_supported"] is True


@member("pushed_authorization_request_endpoint", "require_pushed_authorization_requests")
def a_request_may_be_pushed_and_need_not(world: World) -> None:
    open_service("https://people.example", bound=False)
    asker, dora = let_ask(hire(open_account("asking"), "asker")), Person()
    said = dict(pair.split("=") for pair in urlsplit(ask(asker.id)).query.split("&"))
    pushed = world.post(
        "pushed_authorization_request_endpoint",
        {
            **{name: value.replace("%3A", ":").replace("%2F", "/") for name, value in said.items()},
            "resource": "https://people.example",
            **asker.authenticated(),
        },
    )
    assert pushed.status_code == 201, pushed.content
    by_reference = f"/oauth/authorize?client_id={asker.id}&request_uri={pushed.json()['request_uri']}"
    assert dora.client.get(by_reference).status_code == 200
    assert world.said["require_pushed_authorization_requests"] is False
    assert dora.client.get(ask(asker.id, resource="https://people.example")).status_code == 200


@member("registration_endpoint")
def a_client_that_nobody_knows_registers_itself(world: World) -> None:
    path = urlsplit(world.said["registration_endpoint"]).path
    wanted = {
        "client_name": "Any client", "redirect_uris": ["https://client.example/cb"],
        "token_endpoint_auth_method": "none",
    }  # fmt: skip
    answer = world.browser.post(path, wanted, content_type="application/json")
    assert answer.status_code == 201, answer.content
    assert answer.json()["client_id"]


@member("authorization_details_types_supported")
def details_of_each_type_are_granted_and_of_no_other(world: World) -> None:
    assert set(world.said["authorization_details_types_supported"]) == DETAILS.keys()
    model = Service.objects.get(audience=MODEL)
    set_details(world.scout.agent, model, [*DETAILS.values()], actor="user:usr_alice", now=clock.now())
    for detail in DETAILS.values():
        asked = {"authorization_details": json.dumps([detail])}
        answer = world.endpoint.exchange(world.passport, key=world.scout.key, **asked)
        assert claims_of(granted(answer))["authorization_details"] == [detail]
    asked = {"authorization_details": json.dumps([{**DETAILS["spend"], "type": "payment_initiation"}])}
    answer = world.endpoint.exchange(world.passport, key=world.scout.key, **asked)
    assert refused(answer, "invalid_authorization_details").endswith("one of: data spend")


@member("client_id_metadata_document_supported")
def a_client_is_known_by_the_document_at_its_id(world: World) -> None:
    assert world.said["client_id_metadata_document_supported"] is True
    open_service("https://people.example", bound=False, infer=("email", "none"))
    client_id = "https://client.example/oauth/client.json"
    document = {
        "client_id": client_id, "client_name": "Notebook", "redirect_uris": [REDIRECT],
        "token_endpoint_auth_method": "none",
    }  # fmt: skip
    published = Fetched(200, {"Content-Type": "application/json"}, json.dumps(document).encode())
    with pytest.MonkeyPatch.context() as network:
        network.setattr(documents, "fetch", lambda method, url, **more: published)
        code = Person().gives_code(ask(client_id, resource="https://people.example"))
        form = {
            "grant_type": AUTHORIZATION_CODE, "code": code, "redirect_uri": REDIRECT, "code_verifier": VERIFIER,
            "client_id": client_id,
        }  # fmt: skip
        token = granted(world.post("token_endpoint", form))
    assert claims_of(token)["client_id"] == client_id


@member("device_authorization_endpoint")
def a_device_is_given_tokens_after_a_persons_yes(world: World) -> None:
    open_service("https://people.example", bound=False)
    asker, dora = hire(open_account("asking"), "asker"), Person()
    form = {"scope": INFER, "resource": "https://people.example", **asker.authenticated()}
    answer = world.post("device_authorization_endpoint", form)
    assert answer.status_code == 200, answer.content
    said = answer.json()
    page = urlsplit(said["verification_uri"]).path
    shown = dora.client.post(page, {"user_code": said["user_code"]}, follow=True).context["shown"]
    assert dora.client.post(page, {"decision": "approve", "shown": shown}).status_code == 200
    form = {"grant_type": DEVICE_CODE, "device_code": said["device_code"], **asker.authenticated()}
    claims = claims_of(granted(world.post("token_endpoint", form)))
    assert (claims["client_id"], claims["aud"]) == (asker.id, "https://people.example")


def test_the_resources_document_is_what_our_interface_wants(world) -> None:
    said = describe_api()
    assert said["bearer_methods_supported"] == ["header"]
    own = {"grant_type": CLIENT_CREDENTIALS, "resource": said["resource"]}
    token = granted(world.post("token_endpoint", own, **world.basic()))
    question = {"subject": {"type": "agent", "id": "x"}, "action": {"name": INFER},
                "resource": {"type": "service", "id": MODEL}}  # fmt: skip

    def asked(**more: Any) -> int:
        return world.browser.post(
            f"/access/v1/evaluation{more.pop('query', '')}", question, content_type="application/json", **more
        ).status_code

    assert asked(HTTP_AUTHORIZATION=f"Bearer {token}") == 200
    assert asked(query=f"?access_token={token}") == 401
    assert said["dpop_bound_access_tokens_required"] is False
    assert world.browser.get(urlsplit(said["resource_documentation"]).path).status_code == 200
    detail = {"authorization_details": json.dumps([DETAILS["spend"]])}
    refused(world.post("token_endpoint", own | detail, **world.basic()), "invalid_authorization_details")
    assert "authorization_details_types_supported" not in said
    assert set(said["scopes_supported"]) == {*ISSUER_SCOPES, *own_api.SCOPES}


def test_a_code_is_redeemed_and_refreshed_as_the_grants_say(world) -> None:
    open_service("https://people.example", bound=False)
    asker, dora = let_ask(hire(open_account("asking"), "asker")), Person()
    tokens = Tokens(world.endpoint, asker)
    body = tokens.redeem(dora.gives_code(ask(asker.id, resource="https://people.example"))).json()
    assert tokens.refresh(body["refresh_token"]).status_code == 200
