"""Each member that we advertise, held against what the server does."""

import re
from pathlib import Path
from urllib.parse import urlsplit

import pytest
from django.test import Client
from django.urls import resolve

import passport
from passport import errors
from passport.agents.models import AgentKey
from passport.oauth.reasons import CODES, REASONS
from passport.protocol import DEVICE_CODE, TOKEN_EXCHANGE
from tests.passport.crafting import ALICE, ED, P384, PSS, RSA
from tests.passport.oauth.asking import ISSUER, Door, agent_of, assertion, refused, signed_in

SERVER = "/.well-known/oauth-authorization-server"
API = "/.well-known/oauth-protected-resource/v1"
JWKS = "/.well-known/jwks.json"


def document(path: str, **headers: str):
    return Client(headers=headers).get(path)


@pytest.mark.parametrize("path", [SERVER, API, JWKS])
class TestEachDocument:
    def test_is_public_cached_and_has_an_etag(self, path) -> None:
        response = document(path)
        assert (response.status_code, response["Content-Type"]) == (200, "application/json")
        assert response["Cache-Control"] == "public, max-age=300"
        assert response["Access-Control-Allow-Origin"] == "*"
        assert document(path, if_none_match=response["ETag"]).status_code == 304

    @pytest.mark.refusal("META-01")
    def test_is_the_same_whatever_host_the_caller_names(self, path) -> None:
        plain = document(path).content
        assert document(path, host="mallory.test", x_forwarded_host="mallory.test").content == plain

    @pytest.mark.refusal("META-02")
    def test_is_not_found_at_another_path(self, path) -> None:
        assert document(f"{path}/").status_code == document(f"{path}/tenant").status_code == 404

    def test_is_read_only(self, path) -> None:
        response = Client().post(path)
        assert (response.status_code, response["Allow"]) == (405, "GET, HEAD")

    def test_names_nothing_empty(self, path) -> None:
        assert [name for name, value in document(path).json().items() if value in ([], "", {}, None)] == []


def test_the_operators_pages_are_named_where_there_are_any(settings) -> None:
    assert not {"op_policy_uri", "op_tos_uri"} & document(SERVER).json().keys()
    settings.POLICY_URL, settings.TERMS_URL = "https://op.example/policy", "https://op.example/terms"
    settings.DOCUMENTATION_URL = "https://op.example/docs"
    server, api = document(SERVER).json(), document(API).json()
    assert server["op_policy_uri"] == api["resource_policy_uri"] == "https://op.example/policy"
    assert server["op_tos_uri"] == api["resource_tos_uri"] == "https://op.example/terms"
    assert server["service_documentation"] == api["resource_documentation"] == "https://op.example/docs"


def test_the_issuer_is_exactly_ours() -> None:
    assert document(SERVER).json()["issuer"] == ISSUER
    assert document(API).json()["authorization_servers"] == [ISSUER]
    assert document(API).json()["resource"] in document(SERVER).json()["protected_resources"]


@pytest.mark.parametrize("member", [
    "authorization_endpoint", "pushed_authorization_request_endpoint",
    "token_endpoint", "jwks_uri", "registration_endpoint", "device_authorization_endpoint",
    "revocation_endpoint", "introspection_endpoint", "status_list_aggregation_endpoint",
    "service_documentation",
])  # fmt: skip
def test_every_endpoint_it_names_is_served(member) -> None:
    url = urlsplit(document(SERVER).json()[member])
    assert f"{url.scheme}://{url.netloc}" == ISSUER
    assert resolve(url.path)


def test_nothing_is_served_that_it_does_not_name() -> None:
    for path in ("/.well-known/openid-configuration", "/o/token/"):  # fmt: skip
        assert Client().get(path).status_code == 404


def test_the_grants_it_names_are_served_and_no_other() -> None:
    named = document(SERVER).json()["grant_types_supported"]
    assert set(named) == {
        "client_credentials", TOKEN_EXCHANGE, "authorization_code", "refresh_token", DEVICE_CODE,
    }  # fmt: skip
    for grant in (*named, "password", "implicit"):
        error = Door("/oauth/token").post({"grant_type": grant}).json()["error"]
        assert (error == "unsupported_grant_type") == (grant not in named)


@pytest.mark.shows("TOK-05")
def test_a_grant_type_missing_or_not_offered_is_refused() -> None:
    door = Door("/oauth/token")
    refused(door.post({"scope": "a"}), 400, "invalid_request")
    refused(door.post({"grant_type": "", "scope": "a"}), 400, "invalid_request")
    for grant in ("password", "unheard_of"):
        refused(door.post({"grant_type": grant}), 400, "unsupported_grant_type")


def test_every_assertion_algorithm_it_names_is_taken() -> None:
    said = document(SERVER).json()
    registered = {"ES256": ALICE, "ES384": P384, "EdDSA": ED, "Ed25519": ED, "RS256": RSA, "PS256": PSS}
    for endpoint in ("token", "revocation", "introspection"):
        assert set(said[f"{endpoint}_endpoint_auth_signing_alg_values_supported"]) == set(registered)
    door = Door("/oauth/revoke")
    for alg, key in registered.items():
        AgentKey.objects.all().delete()
        agent = agent_of(alg.lower(), key)
        token = assertion(agent.client_id, key, header={"alg": alg})
        assert door.post(signed_in(token, token="x")).status_code == 200, alg


def test_every_reason_that_a_refusal_can_name_has_its_cure_on_the_page() -> None:
    said = set()
    for path in Path(passport.__file__).parent.rglob("*.py"):
        said |= set(re.findall(r'uri_reason="([a-z_]+)"', path.read_text()))
        said |= set(re.findall(r'Fault\("([a-z_]+)"', path.read_text()))
    said |= {
        f"{subject}_{word}" for subject in ("account", "agent") for word in ("suspended", "revoked", "closed")
    }
    said |= {
        f"{subject}_{word}"
        for subject in ("key", "passport", "signing_key")
        for word in ("suspended", "revoked")
    }
    shown = {reason.code for reason in (*CODES, *REASONS)}
    assert said - shown == set()
    page = Client().get("/docs/errors").content.decode()
    assert all(f'id="{code}"' in page for code in shown)


def test_the_page_names_each_code_that_exists() -> None:
    codes = {cls.code for cls in errors.OAuthError.__subclasses__()}
    assert codes == {reason.code for reason in CODES}
