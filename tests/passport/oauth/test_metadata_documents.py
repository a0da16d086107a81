"""Clients whose id is the URL of their metadata document: at the doors where they knock."""

import json
from typing import Any

import pytest

from foundation.outbound import documents
from foundation.outbound.client import Fetched, OutboundError
from passport.agents.metadata_documents import is_document_url
from passport.consents.models import Consent
from tests.cast import ISSUER, MODEL, Key, TokenEndpoint, granted, open_service, refused
from tests.passport.oauth.consenting import REDIRECT, VERIFIER, Person, ask

CLIENT = "https://client.example/oauth/client.json"


def document(**more: Any) -> dict[str, Any]:
    said = {
        "client_id": CLIENT, "client_name": "Notebook", "redirect_uris": [REDIRECT], "token_endpoint_auth_method": "none",
        "grant_types": ["authorization_code", "refresh_token"], **more,
    }  # fmt: skip
    return {name: value for name, value in said.items() if value is not None}


class Publisher:
    """Stands where the network would be: answers each URL, or fails as the fetcher does."""

    def __init__(self) -> None:
        self.asked: list[str] = []
        self.answers: dict[str, Any] = {CLIENT: document()}
        self.real = documents.fetch

    def fetch(self, method: str, url: str, **more: Any) -> Fetched:
        self.asked.append(url)
        answer = self.answers.get(url, OutboundError("name"))
        if isinstance(answer, OutboundError):
            raise answer
        if isinstance(answer, Fetched):
            return answer
        body = answer if isinstance(answer, bytes) else json.dumps(answer).encode()
        return Fetched(200, {"Content-Type": "application/json"}, body)


@pytest.fixture
def publisher(monkeypatch: pytest.MonkeyPatch) -> Publisher:
    stand_in = Publisher()
    monkeypatch.setattr(documents, "fetch", stand_in.fetch)
    return stand_in


@pytest.fixture
def model(house: None) -> Any:
    return open_service(MODEL, bound=False, infer=("email", "none"))[0]


@pytest.fixture
def dora(house: None, model: Any) -> Person:
    return Person()


def redeem(endpoint: TokenEndpoint, code: str, **more: Any) -> Any:
    said = {
        "grant_type": "authorization_code", "code": code, "redirect_uri": REDIRECT, "code_verifier": VERIFIER,
        "client_id": CLIENT, **more,
    }  # fmt: skip
    return endpoint.post(said)


def refresh(endpoint: TokenEndpoint, token: str, **more: Any) -> Any:
    return endpoint.post({"grant_type": "refresh_token", "refresh_token": token, "client_id": CLIENT, **more})


def is_refused_on_a_page(answer: Any) -> str:
    assert (answer.status_code, answer.get("Location")) == (400, None)
    assert answer.context["error"] == "invalid_client"
    return answer.content.decode()


def test_a_client_that_only_published_a_document_gets_a_persons_token(
    publisher: Publisher, dora: Person, endpoint: TokenEndpoint
) -> None:
    code = dora.gives_code(ask(CLIENT))
    answer = redeem(endpoint, code)
    granted(answer)
    assert answer.json()["refresh_token"]
    assert Consent.objects.get().client_kind == "document"
    assert publisher.asked == [CLIENT]


def test_one_that_signs_assertions_is_known_by_the_keys_in_its_document(
    publisher: Publisher, dora: Person, endpoint: TokenEndpoint
) -> None:
    key = Key()
    publisher.answers[CLIENT] = document(
        token_endpoint_auth_method="private_key_jwt", jwks={"keys": [key.jwk]}
    )
    code = dora.gives_code(ask(CLIENT))
    refused(redeem(endpoint, code), "invalid_client", status=401)
    signed = {
        "client_assertion_type": "urn:ietf:params:oauth:client-assertion-type:jwt-bearer",
        "client_assertion": key.assertion(CLIENT),
    }
    granted(redeem(endpoint, code, **signed))


def test_its_keys_may_be_published_elsewhere(
    publisher: Publisher, dora: Person, endpoint: TokenEndpoint
) -> None:
    key, keys_url = Key(), "https://client.example/jwks.json"
    publisher.answers |= {
        CLIENT: document(token_endpoint_auth_method="private_key_jwt", jwks_uri=keys_url),
        keys_url: {"keys": [key.jwk]},
    }
    signed = {
        "client_assertion_type": "urn:ietf:params:oauth:client-assertion-type:jwt-bearer",
        "client_assertion": key.assertion(CLIENT),
    }
    granted(redeem(endpoint, dora.gives_code(ask(CLIENT)), **signed))


def test_it_gets_neither_passport_nor_token_of_its_own(
    publisher: Publisher, endpoint: TokenEndpoint, model: Any
) -> None:
    answer = endpoint.post({"grant_type": "client_credentials", "client_id": CLIENT, "resource": MODEL})
    refused(answer, "unauthorized_client")


@pytest.mark.refusal("CIMD-01")
@pytest.mark.parametrize(
    "answer",
    [
        *(
            OutboundError(reason)
            for reason in ("timeout", "size", "address", "name", "connection", "encoding")
        ),
        Fetched(404, {"Content-Type": "application/json"}, b"{}"),
        Fetched(302, {"Content-Type": "application/json", "Location": "https://10.0.0.1/"}, b""),
        Fetched(200, {"Content-Type": "text/html"}, b"<html>secret of the inner network</html>"),
        b"no json",
        b"[]",
        b'{"client_id": 1}',
    ],
)
def test_a_document_that_cannot_be_had_as_it_must_is_a_page_that_tells_nothing_of_the_network(
    publisher: Publisher, dora: Person, answer: Any
) -> None:
    publisher.answers[CLIENT] = answer
    page = is_refused_on_a_page(dora.client.get(ask(CLIENT)))
    publisher.answers.clear()
    unknown = is_refused_on_a_page(dora.client.get(ask("https://other.example/client.json")))
    plain = [text.partition("<main")[2].partition("</main>")[0] for text in (page, unknown)]
    assert without_ids(plain[0]) == without_ids(plain[1])
    assert "secret" not in page


def without_ids(text: str) -> str:
    return " ".join(word for word in text.split() if "req_" not in word)


@pytest.mark.shows("CIMD-01")
@pytest.mark.parametrize(
    "url", ["https://127.0.0.1/client", "https://[::1]/client", "https://localhost/client"]
)
def test_a_document_inside_the_house_is_never_asked_for(dora: Person, url: str) -> None:
    is_refused_on_a_page(dora.client.get(ask(url)))


@pytest.mark.refusal("CIMD-02")
@pytest.mark.parametrize(
    "more",
    [
        {"client_id": CLIENT + "/"},
        {"client_id": CLIENT.upper()},
        {"client_id": CLIENT.replace("https://client.example", "https://client.example:443")},
        {"client_id": None},
        {"client_secret": "s"},
        {"client_secret_expires_at": 0},
        {"token_endpoint_auth_method": "client_secret_post"},
        {"jwks": {"keys": [{"kty": "oct", "k": "c2VjcmV0"}]}},
        {"token_endpoint_auth_method": "private_key_jwt"},
        {"client_name": None},
        {"client_name": "<b>Bank</b>"},
        {"redirect_uris": None},
        {"redirect_uris": []},
        {"redirect_uris": ["javascript:alert(1)"]},
        {"grant_types": ["implicit"]},
    ],
)
def test_a_document_that_names_another_client_or_holds_a_secret_is_refused(
    publisher: Publisher, dora: Person, more: dict[str, Any]
) -> None:
    publisher.answers[CLIENT] = document(**more)
    is_refused_on_a_page(dora.client.get(ask(CLIENT)))


@pytest.mark.refusal("CIMD-03")
def test_an_address_to_return_to_that_the_document_lacks_is_no_redirect(
    publisher: Publisher, dora: Person
) -> None:
    answer = dora.client.get(ask(CLIENT, redirect_uri="https://mallory.example/cb"))
    assert (answer.status_code, answer.get("Location")) == (400, None)


@pytest.mark.refusal("CIMD-05")
@pytest.mark.parametrize("changed", ["redirects", "keys"])
def test_changed_keys_or_addresses_end_the_consent_and_its_refresh_tokens(
    publisher: Publisher, dora: Person, endpoint: TokenEndpoint, clock: Any, changed: str
) -> None:
    token = redeem(endpoint, dora.gives_code(ask(CLIENT))).json()["refresh_token"]
    token = refresh(endpoint, token).json()["refresh_token"]
    more = (
        {"redirect_uris": [REDIRECT, "https://elsewhere.example/cb"]}
        if changed == "redirects"
        else {"jwks": {"keys": [Key().jwk]}}
    )
    publisher.answers[CLIENT] = document(**more)
    clock.forward(seconds=301)
    refused(refresh(endpoint, token), "invalid_grant")
    assert Consent.objects.get().ended_reason == "client_changed"
    publisher.answers[CLIENT] = document()
    clock.forward(seconds=301)
    refused(refresh(endpoint, token), "invalid_grant")


def test_a_document_that_is_away_for_a_while_ends_no_consent(
    publisher: Publisher, dora: Person, endpoint: TokenEndpoint, clock: Any
) -> None:
    token = redeem(endpoint, dora.gives_code(ask(CLIENT))).json()["refresh_token"]
    publisher.answers.clear()
    clock.forward(seconds=301)
    refused(refresh(endpoint, token), "invalid_client", status=401)
    publisher.answers[CLIENT] = document()
    clock.forward(seconds=61)
    granted(refresh(endpoint, token))


@pytest.mark.refusal("CIMD-06")
def test_a_client_on_this_machine_only_is_warned_of_and_who_asks_is_always_shown(
    publisher: Publisher, dora: Person
) -> None:
    shown = dora.client.get(ask(CLIENT)).content.decode()
    assert CLIENT in shown
    assert "client.example" in shown
    assert "pretend to be this application" not in shown
    publisher.answers["https://client.example/local.json"] = document(
        client_id="https://client.example/local.json",
        redirect_uris=["http://127.0.0.1/cb", "http://localhost/cb"],
    )
    warned = dora.client.get(
        ask("https://client.example/local.json", redirect_uri="http://127.0.0.1:5000/cb")
    )
    assert "pretend to be this application" in warned.content.decode()
    assert "127.0.0.1:5000" in warned.content.decode()


@pytest.mark.parametrize(
    "url",
    [
        "http://client.example/c", "https://client.example", "https://client.example/c#x", "https://client.example/c#",
        "https://u@client.example/c", "https://client.example/a/../c", "https://client.example/./c",
        "https://client.example/%2e%2E/c", "https:///c", "https://client.example:0/c", "https://client.example:/c",
        "https://client.example:99999/c", "https://client.example/ c", "https://client.example/" + "x" * 255,
        "https://client.example\\c", "HTTPS://client.example/c",
    ],
)  # fmt: skip
def test_a_url_that_may_not_be_a_client_id_is_not_fetched(
    publisher: Publisher, dora: Person, url: str
) -> None:
    assert not is_document_url(url)
    is_refused_on_a_page(dora.client.get(ask(url)))
    assert publisher.asked == []


def test_one_address_has_only_so_many_documents_fetched(publisher: Publisher, dora: Person) -> None:
    statuses = [dora.client.get(ask(f"https://client.example/{number}")).status_code for number in range(31)]
    assert (statuses.count(400), statuses[-1]) == (30, 429)
    assert len(publisher.asked) == 30


def test_the_metadata_says_that_documents_are_read(client: Any) -> None:
    said = client.get("/.well-known/oauth-authorization-server").json()
    assert (said["issuer"], said["client_id_metadata_document_supported"]) == (ISSUER, True)
