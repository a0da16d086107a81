"""A device without a browser asks a person: RFC 8628 through its three doors."""

import re
from typing import Any

import pytest
from django.test import Client

from passport.consents.device_models import DeviceRequest
from passport.consents.devices import ALPHABET, sweep
from passport.consents.models import Consent
from passport.fields import Effect
from passport.protocol import DEVICE_CODE
from passport.restrictions.place import SubjectRef, place
from tests.cast import (
    EMBED,
    INFER,
    ISSUER,
    MODEL,
    SEARCH,
    Key,
    claims_of,
    granted,
    hire,
    open_account,
    open_service,
    refused,
)
from tests.passport.oauth.consenting import Person

URL = f"{ISSUER}/oauth/device_authorization"


@pytest.fixture
def model(house: None) -> Any:
    return open_service(MODEL, bound=False, embed=("document", "charged"))[0]


@pytest.fixture
def scout(model: Any) -> Any:
    """Alice's agent, on a device of Dora's."""
    return hire(open_account("alice"), "scout")


@pytest.fixture
def dora(house: None) -> Person:
    return Person()


class Device:
    """The program on the device."""

    def __init__(self, endpoint: Any, actor: Any) -> None:
        self.endpoint, self.actor = endpoint, actor

    def asks(self, *, proof: str | None = None, **more: Any) -> Any:
        said = {"scope": INFER, "resource": MODEL, **self.actor.authenticated(), **more}
        body = "&".join(f"{name}={value}" for name, value in said.items() if value is not None)
        headers = {"User-Agent": "scout-cli/2", **({"DPoP": proof} if proof else {})}
        return Client().post(
            "/oauth/device_authorization",
            body,
            content_type="application/x-www-form-urlencoded",
            headers=headers,
        )

    def polls(self, code: str, *, proof: str | None = None, **more: Any) -> Any:
        said = {"grant_type": DEVICE_CODE, "device_code": code, **self.actor.authenticated(), **more}
        return self.endpoint.post(said, proof=proof)


@pytest.fixture
def device(endpoint: Any, scout: Any) -> Device:
    return Device(endpoint, scout)


def types(person: Person, code: str) -> Any:
    return person.client.post("/device", {"user_code": code}, follow=True)


def decides(person: Person, code: str, decision: str = "approve") -> Any:
    page = types(person, code)
    assert page.status_code == 200, page.content
    return person.client.post("/device", {"decision": decision, "shown": page.context["shown"]})


def test_the_device_gets_codes_and_where_to_send_the_person(device: Device) -> None:
    answer = device.asks()
    said = answer.json()
    assert (answer.status_code, answer["Cache-Control"]) == (200, "no-store")
    assert set(said) == {
        "device_code", "user_code", "verification_uri", "verification_uri_complete", "expires_in", "interval",
    }  # fmt: skip
    assert re.fullmatch(f"[{ALPHABET}]{{4}}-[{ALPHABET}]{{4}}", said["user_code"])
    assert said["verification_uri"] == f"{ISSUER}/device"
    assert said["verification_uri_complete"] == f"{ISSUER}/device?user_code={said['user_code']}"
    assert (said["expires_in"], said["interval"]) == (900, 5)
    stored = str(DeviceRequest.objects.values().get())
    assert said["device_code"] not in stored
    assert said["user_code"] not in stored


def test_after_the_persons_yes_it_gets_tokens_once(device: Device, dora: Person, scout: Any) -> None:
    said = device.asks().json()
    assert decides(dora, said["user_code"]).status_code == 200
    answer = device.polls(said["device_code"])
    token = claims_of(granted(answer))
    assert (token["aud"], token["client_id"], token["act"], token["scope"]) == (
        MODEL,
        scout.id,
        {"sub": scout.id},
        INFER,
    )
    assert answer.json()["refresh_token"]
    assert Consent.objects.get().user == dora.user
    refused(device.polls(said["device_code"]), "invalid_grant")


@pytest.mark.parametrize("typed", [str.lower, lambda code: code.replace("-", ""), lambda code: f" {code} "])
def test_the_code_may_be_typed_as_people_type(device: Device, dora: Person, typed: Any) -> None:
    said = device.asks().json()
    assert decides(dora, typed(said["user_code"])).status_code == 200
    granted(device.polls(said["device_code"]))


@pytest.mark.refusal("DEV-01")
def test_until_the_person_decides_the_device_is_told_to_wait(device: Device) -> None:
    refused(device.polls(device.asks().json()["device_code"]), "authorization_pending")


@pytest.mark.refusal("DEV-02")
def test_a_device_that_polls_too_soon_is_slowed_down_from_then_on(device: Device, clock: Any) -> None:
    code = device.asks().json()["device_code"]
    refused(device.polls(code), "authorization_pending")
    clock.forward(seconds=4)
    refused(device.polls(code), "slow_down")
    clock.forward(seconds=9)
    refused(device.polls(code), "slow_down")
    clock.forward(seconds=15)
    refused(device.polls(code), "authorization_pending")


@pytest.mark.refusal("DEV-03")
def test_a_persons_no_is_told_to_the_device(device: Device, dora: Person) -> None:
    said = device.asks().json()
    decides(dora, said["user_code"], "deny")
    refused(device.polls(said["device_code"]), "access_denied")
    assert not Consent.objects.exists()


@pytest.mark.refusal("DEV-04")
@pytest.mark.parametrize("approved", [False, True])
def test_a_code_that_is_too_old_is_expired(device: Device, dora: Person, clock: Any, approved: bool) -> None:
    said = device.asks().json()
    if approved:
        decides(dora, said["user_code"])
    clock.forward(seconds=901)
    refused(device.polls(said["device_code"]), "expired_token")
    assert types(dora, said["user_code"]).status_code == 400


class TestAnothers:
    @pytest.mark.refusal("DEV-05")
    @pytest.mark.parametrize("whose", ["nobody's", "another client's", "another key's", "no key's"])
    def test_a_code_that_is_unknown_or_somebody_elses_is_refused(
        self, device: Device, dora: Person, endpoint: Any, whose: str
    ) -> None:
        key = Key()
        said = device.asks(proof=key.proof(url=URL)).json()
        decides(dora, said["user_code"])
        if whose == "nobody's":
            answer = device.polls("apd_unknown", proof=key.proof())
        elif whose == "another client's":
            other = Device(endpoint, hire(open_account("mallory"), "hydra"))
            answer = other.polls(said["device_code"], proof=key.proof())
        else:
            answer = device.polls(
                said["device_code"], proof=Key().proof() if whose == "another key's" else None
            )
        refused(answer, "invalid_grant")
        granted(device.polls(said["device_code"], proof=key.proof()))

    @pytest.mark.shows("DEV-05")
    def test_the_token_is_bound_to_the_key_that_asked(self, device: Device, dora: Person) -> None:
        key = Key()
        said = device.asks(proof=key.proof(url=URL)).json()
        decides(dora, said["user_code"])
        answer = device.polls(said["device_code"], proof=key.proof())
        assert answer.json()["token_type"] == "DPoP"
        assert claims_of(granted(answer))["cnf"] == {"jkt": key.thumbprint}


@pytest.mark.refusal("DEV-06")
def test_guessing_of_user_codes_is_stopped(device: Device, dora: Person, clock: Any) -> None:
    said = device.asks().json()
    for _ in range(5):
        assert types(dora, "BBBB-BBBB").status_code == 400
    answer = types(dora, said["user_code"])
    assert (answer.status_code, answer["Retry-After"]) == (429, "900")
    elsewhere = Person("erin@people.example")
    assert types(elsewhere, said["user_code"]).status_code == 429
    elsewhere.client.defaults["REMOTE_ADDR"] = "198.51.100.7"
    assert types(elsewhere, said["user_code"]).status_code == 200
    clock.forward(seconds=901)
    assert types(dora, device.asks().json()["user_code"]).status_code == 200


@pytest.mark.shows("DEV-06")
def test_right_codes_are_no_guesses(device: Device, dora: Person) -> None:
    for _ in range(7):
        assert types(dora, device.asks().json()["user_code"]).status_code == 200


class TestThePage:
    @pytest.mark.refusal("DEV-07")
    def test_names_agent_assurance_and_place_and_decides_nothing_by_itself(
        self, device: Device, dora: Person, scout: Any
    ) -> None:
        said = device.asks().json()
        link = said["verification_uri_complete"].removeprefix(ISSUER)
        opened = dora.client.get(link)
        assert said["user_code"] in opened.content.decode()
        assert "scout" not in opened.content.decode()
        text = types(dora, said["user_code"]).content.decode()
        for shown in (
            "scout",
            scout.id,
            "identified by a document",
            "127.0.0.1",
            "scout-cli/2",
            "lets an agent infer",
            MODEL,
        ):
            assert shown in text
        for path in (link, "/device?confirm=1", "/device?confirm=1&decision=approve"):
            dora.client.get(path)
        refused(device.polls(said["device_code"]), "authorization_pending")
        assert not Consent.objects.exists()

    def test_says_when_the_device_is_elsewhere(self, device: Device, dora: Person) -> None:
        said = device.asks().json()
        DeviceRequest.objects.update(address="198.51.100.7")
        assert "another network" in types(dora, said["user_code"]).content.decode()

    def test_asks_to_sign_in_first_and_keeps_the_code(self, device: Device) -> None:
        answer = Client().get("/device?user_code=BBBB-BBBB")
        assert answer["Location"] == "/accounts/login/?next=/device%3Fuser_code%3DBBBB-BBBB"

    def test_takes_no_decision_without_its_token_or_about_another_request(
        self, device: Device, dora: Person
    ) -> None:
        first, second = device.asks().json(), device.asks().json()
        shown = types(dora, first["user_code"]).context["shown"]
        types(dora, second["user_code"])
        dora.client.post("/device", {"decision": "approve", "shown": shown})
        assert not Consent.objects.exists()
        strict = Client(enforce_csrf_checks=True)
        strict.force_login(dora.user)
        assert strict.post("/device", {"decision": "approve", "shown": shown}).status_code == 403

    def test_cannot_be_framed(self, dora: Person) -> None:
        page = dora.client.get("/device")
        assert "frame-ancestors 'none'" in page["Content-Security-Policy"]
        assert page["X-Frame-Options"] == "DENY"

    def test_a_request_is_decided_once(self, device: Device, dora: Person) -> None:
        said = device.asks().json()
        erin = Person("erin@people.example")
        shown = types(erin, said["user_code"]).context["shown"]
        decides(dora, said["user_code"], "deny")
        erin.client.post("/device", {"decision": "approve", "shown": shown})
        refused(device.polls(said["device_code"]), "access_denied")


@pytest.mark.parametrize(
    ("more", "error"),
    [
        ({"resource": None}, "invalid_target"),
        ({"resource": SEARCH}, "invalid_target"),
        ({"scope": "model:unknown"}, "invalid_scope"),
        ({"client_assertion": None}, "invalid_request"),
    ],
)
def test_what_may_not_be_asked_is_refused_at_once(device: Device, more: dict[str, Any], error: str) -> None:
    refused(device.asks(**more), error)
    assert not DeviceRequest.objects.exists()


def test_a_scope_beyond_the_owners_level_is_a_page_and_no_consent(device: Device, dora: Person) -> None:
    page = types(dora, device.asks(scope=EMBED).json()["user_code"])
    assert (page.status_code, page.context["error"]) == (400, "invalid_scope")


def test_a_suspended_agent_asks_nobody_and_gets_nothing(
    device: Device, dora: Person, scout: Any, clock: Any
) -> None:
    said = device.asks().json()
    decides(dora, said["user_code"])
    subject = SubjectRef("agent", scout.id, scout.account.id)
    place([subject], effect=Effect.SUSPEND, reason="abuse", actor="user:usr_staff", now=clock.now())
    refused(device.asks(), "unauthorized_client", reason="agent_suspended")
    refused(device.polls(said["device_code"]), "unauthorized_client", reason="agent_suspended")


def test_an_assertion_counts_once_at_this_door_too(device: Device) -> None:
    same = device.actor.authenticated()
    assert device.asks(**same).status_code == 200
    refused(device.asks(**same), "invalid_client", status=401)


def test_one_client_asks_only_so_often_from_one_address(device: Device) -> None:
    statuses = [device.asks().status_code for _ in range(31)]
    assert (statuses.count(200), statuses[-1]) == (30, 429)


def test_what_is_long_over_is_forgotten(device: Device, dora: Person, clock: Any) -> None:
    said = device.asks().json()
    decides(dora, said["user_code"])
    clock.forward(days=1, seconds=901)
    sweep()
    assert not DeviceRequest.objects.exists()
    assert Consent.objects.exists()
