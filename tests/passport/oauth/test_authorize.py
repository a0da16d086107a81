"""A person is asked: what is refused on a page, what goes back to the client, and what they agree to."""

import pytest
from django.db import OperationalError, connection
from django.test import Client

from foundation.ledger.models import Entry
from passport.consents.models import AuthorizationCode, Consent
from passport.fields import Effect
from passport.restrictions.place import SubjectRef, place
from tests.cast import EMBED, INFER, ISSUER, LIVE, MODEL, SEARCH, hire, open_account, open_service, set_levels
from tests.passport.oauth.consenting import REDIRECT, Person, ask, change, let_ask, sent_back


@pytest.fixture
def model(house):
    return open_service(MODEL, bound=False, embed=("document", "charged"))[0]


@pytest.fixture
def asker(house, model):
    """Alice's agent, registered to ask people."""
    return let_ask(hire(open_account("alice"), "scout"))


@pytest.fixture
def dora(house) -> Person:
    return Person()


def is_page(answer, error: str) -> None:
    """A refusal that redirects nowhere."""
    assert (answer.status_code, answer.get("Location")) == (400, None)
    assert answer.context["error"] == error
    assert answer["Content-Type"].startswith("text/html")


def goes_back(answer, error: str) -> dict[str, str]:
    assert answer["Location"].startswith(f"{REDIRECT}?")
    said = sent_back(answer)
    assert (said["error"], said["state"], said["iss"]) == (error, "s-1", ISSUER)
    assert not AuthorizationCode.objects.exists()
    return said


def test_an_approval_goes_back_with_code_state_and_iss(asker, dora) -> None:
    answer = dora.decides(ask(asker.id))
    assert answer["Location"].startswith(f"{REDIRECT}?")
    said = sent_back(answer)
    assert set(said) == {"code", "state", "iss"}
    assert (said["state"], said["iss"]) == ("s-1", ISSUER)
    assert answer["Cache-Control"] == "no-store"
    consent = Consent.objects.get()
    assert (consent.user, consent.client_id, consent.resources) == (dora.user, asker.id, [MODEL])
    assert said["code"] not in str(AuthorizationCode.objects.values().get())
    assert Entry.objects.get(type="consent.given").payload["scopes"] == [INFER]


def test_the_page_says_who_asks_for_what_until_when_and_where_the_answer_goes(asker, dora) -> None:
    page = dora.client.get(ask(asker.id))
    text = page.content.decode()
    for said in ("scout", asker.id, "lets an agent infer", INFER, MODEL, "client.example", "22 Feb 2027"):
        assert said in text
    assert "lets an agent embed" not in text
    assert "form-action 'self' https://client.example" in page["Content-Security-Policy"]


def test_who_is_not_signed_in_signs_in_and_comes_back_to_the_request(asker) -> None:
    answer = Client().get(ask(asker.id))
    assert answer.status_code == 302
    assert answer["Location"].startswith("/accounts/login/?next=/oauth/authorize%3F")


@pytest.mark.refusal("AC-01")
@pytest.mark.parametrize("client_id", ["agent_nobody", "https://mallory.example/client", "x" * 300, "a\x00b"])
def test_an_unknown_client_is_a_page_and_no_redirect(asker, dora, client_id) -> None:
    answer = dora.client.get(ask(client_id))
    assert answer.status_code == 400
    assert "Location" not in answer


def test_an_unregistered_redirect_is_a_page_and_no_redirect(asker, dora) -> None:
    is_page(dora.client.get(ask(asker.id, redirect_uri="https://mallory.example/cb")), "invalid_request")
    is_page(
        dora.client.get(ask(asker.id, redirect_uri="https://mallory.example/cb", response_type="x")),
        "invalid_request",
    )


@pytest.mark.refusal("AC-02")
@pytest.mark.parametrize(
    "uri",
    [
        f"{REDIRECT}/", "https://client.example/CB", f"{REDIRECT}?a=1", "https://u@client.example/cb", f"{REDIRECT}#x",
        "https://client.example:443/cb", "http://client.example/cb",
    ],
)  # fmt: skip
def test_a_redirect_that_differs_in_anything_is_no_redirect(asker, dora, uri) -> None:
    is_page(dora.client.get(ask(asker.id, redirect_uri=uri)), "invalid_request")


def test_on_the_loopback_interface_any_port_will_do(asker, dora) -> None:
    let_ask(asker, "http://127.0.0.1/cb", "http://localhost:3000/cb", application_type="native")
    for uri in ("http://127.0.0.1:49152/cb", "http://localhost:49152/cb"):
        assert dora.client.get(ask(asker.id, redirect_uri=uri)).status_code == 200
    is_page(dora.client.get(ask(asker.id, redirect_uri="http://127.0.0.1:49152/cb2")), "invalid_request")


@pytest.mark.refusal("AC-03")
@pytest.mark.parametrize(
    "challenge",
    [
        {"code_challenge": None},
        {"code_challenge": "x" * 42},
        {"code_challenge": "x" * 44},
        {"code_challenge": "!" * 43},
        {"code_challenge_method": "plain"},
        {"code_challenge_method": None},
    ],
)
def test_a_challenge_that_is_not_s256_goes_back(asker, dora, challenge) -> None:
    goes_back(dora.client.get(ask(asker.id, **challenge)), "invalid_request")


@pytest.mark.refusal("AC-04")
@pytest.mark.parametrize("response_type", ["token", "id_token", "code token", "CODE", "none"])
def test_another_response_type_goes_back(asker, dora, response_type) -> None:
    goes_back(dora.client.get(ask(asker.id, response_type=response_type)), "unsupported_response_type")


@pytest.mark.refusal("AC-09")
def test_consent_is_given_by_post_with_its_token_and_never_in_a_frame(asker, dora) -> None:
    path = ask(asker.id)
    page = dora.client.get(path + "&decision=approve")
    assert page.status_code == 200
    assert "frame-ancestors 'none'" in page["Content-Security-Policy"]
    assert page["X-Frame-Options"] == "DENY"
    strict = Client(enforce_csrf_checks=True, headers={"Accept": "text/html"})
    strict.force_login(dora.user)
    shown = strict.get(path).context["shown"]
    assert strict.post(path, {"decision": "approve", "shown": shown}).status_code == 403
    assert not Consent.objects.exists()


@pytest.mark.refusal("AC-10")
def test_a_denial_goes_back_with_iss(asker, dora) -> None:
    goes_back(dora.decides(ask(asker.id), "deny"), "access_denied")
    assert not Consent.objects.exists()


def test_an_answer_to_another_page_shows_the_page_again(asker, dora) -> None:
    shown = dora.client.get(ask(asker.id)).context["shown"]
    again = dora.client.post(
        ask(asker.id, scope=f"{INFER} model:train"), {"decision": "approve", "shown": shown}
    )
    assert again.status_code == 200
    assert not Consent.objects.exists()


@pytest.mark.parametrize(
    "resource", [None, "nowhere", "https://unknown.example", f"{MODEL}#x", [MODEL, SEARCH]]
)
def test_a_target_that_nobody_registered_goes_back(asker, dora, resource) -> None:
    goes_back(dora.client.get(ask(asker.id, resource=resource)), "invalid_target")


def test_a_sandbox_agent_cannot_be_let_into_a_live_service(asker, dora) -> None:
    open_service(SEARCH, environment=LIVE)
    goes_back(dora.client.get(ask(asker.id, resource=SEARCH)), "invalid_target")


def test_a_scope_that_is_not_offered_goes_back_and_is_named(asker, dora) -> None:
    said = goes_back(dora.client.get(ask(asker.id, scope="model:infer model:steal")), "invalid_scope")
    assert "model:steal" in said["error_description"]


def test_a_scope_above_the_owners_level_goes_back_and_names_the_level(asker, dora) -> None:
    said = goes_back(dora.client.get(ask(asker.id, scope=EMBED)), "invalid_scope")
    assert "charged" in said["error_description"]


def test_without_scope_the_person_is_asked_for_what_the_levels_bear(asker, dora) -> None:
    page = dora.client.get(ask(asker.id, scope=None))
    assert {scope["name"] for scope in page.context["services"][0]["scopes"]} == {INFER, "model:train"}


def test_authorization_details_of_no_known_type_go_back(asker, dora) -> None:
    details = '[{"type":"payment_initiation"}]'
    goes_back(dora.client.get(ask(asker.id, authorization_details=details)), "invalid_authorization_details")


def test_a_request_object_is_not_overlooked(asker, dora) -> None:
    goes_back(dora.client.get(ask(asker.id, request="e30.e30.")), "request_not_supported")


def test_a_suspended_agent_is_refused(asker, dora) -> None:
    place(
        [SubjectRef("agent", asker.id, asker.account.id)],
        effect=Effect.SUSPEND,
        reason="abuse",
        actor="user:usr_1",
        now=asker.agent.created,
    )
    goes_back(dora.client.get(ask(asker.id)), "unauthorized_client")


def test_an_agent_without_redirects_asks_nobody(house, model, dora) -> None:
    mute = hire(open_account("bob"), "mute")
    is_page(dora.client.get(ask(mute.id)), "invalid_request")


@pytest.mark.parametrize(
    "query", ["client_id=a&client_id=b", "client_id=%zz", "client_id=%ff", "client_id=%00", ""]
)
def test_a_request_that_cannot_be_read_is_a_page(house, dora, query) -> None:
    is_page(dora.client.get(f"/oauth/authorize?{query}"), "invalid_request")


def test_other_methods_are_405(house) -> None:
    answer = Client().put("/oauth/authorize")
    assert (answer.status_code, answer["Allow"]) == (405, "GET, HEAD, POST")


def test_too_many_requests_of_one_client_from_one_address_wait(asker, dora, monkeypatch) -> None:
    monkeypatch.setattr("passport.oauth.door_limits.SHOWN", 2)
    codes = [dora.client.get(ask(asker.id)).status_code for _ in range(3)]
    assert codes == [200, 200, 429]
    assert int(dora.client.get(ask(asker.id))["Retry-After"]) > 0


def test_the_persons_level_counts_where_no_account_stands_behind_the_client(asker) -> None:
    set_levels(asker.account, identity="email", payment="none")
    change(asker, state="active")
    said = goes_back(Person().client.get(ask(asker.id)), "invalid_scope")
    assert "identity level document" in said["error_description"]


def test_a_database_that_is_away_is_a_page_that_says_when_to_come_back(asker) -> None:
    def away(*_):
        raise OperationalError("gone")

    with connection.execute_wrapper(away):
        answer = Client().get(ask(asker.id))
    assert (answer.status_code, answer["Retry-After"]) == (503, "2")
    assert b"Wait a moment and try again" in answer.content
