"""PostgreSQL is stopped under a running server, and started again (DESIGN section 8)."""

from collections.abc import Iterator

import pytest

from tests.cast import granted, refused
from tests.faults.house import House, wait_for

pytestmark = pytest.mark.services


@pytest.fixture
def alice(house: House) -> Iterator[tuple[str, str]]:
    """Her passport and an access token; afterwards the database is up, whatever the test did."""
    passport = house.passport_of("alice")
    key = house.members["alice"].key
    token = house.with_nonce(lambda nonce: house.endpoint.exchange(passport, proof=key.proof(nonce=nonce)))
    yield passport, granted(token)
    if house.postgres.process is None:
        house.postgres.start()
    wait_for(lambda: house.door.http.get("/readyz").status_code == 200, "ready again")


@pytest.mark.refusal("TOK-14")
def test_without_its_database_a_server_issues_nothing_and_comes_back_by_itself(
    house: House, alice: tuple[str, str]
) -> None:
    passport, _ = alice
    member = house.members["alice"]
    before = house.issued()
    house.postgres.stop()
    for answer in (house.endpoint.exchange(passport, key=member.key), house.endpoint.passport(member)):
        refused(answer, "temporarily_unavailable", status=503)
        assert int(answer.headers["Retry-After"]) >= 1
    assert house.door.http.get("/readyz").status_code == 503
    assert house.door.http.get("/livez").status_code == 200
    assert house.issued() == before
    house.postgres.start()
    wait_for(lambda: house.door.http.get("/readyz").status_code == 200, "ready again")
    back = house.with_nonce(
        lambda nonce: house.endpoint.exchange(passport, proof=member.key.proof(nonce=nonce))
    )
    granted(back)
    assert house.issued() == before + 1


@pytest.mark.refusal("INTR-07")
def test_without_its_database_no_token_is_called_active(house: House, alice: tuple[str, str]) -> None:
    _, token = alice
    assert house.as_service("/oauth/introspect", {"token": token}).status_code == 200
    house.postgres.stop()
    answer = house.as_service("/oauth/introspect", {"token": token})
    refused(answer, "temporarily_unavailable", status=503)
    assert "active" not in answer.json()


@pytest.mark.refusal("REV-05")
def test_without_its_database_a_revocation_is_not_said_to_be_done(
    house: House, alice: tuple[str, str]
) -> None:
    passport, _ = alice
    house.postgres.stop()
    form = {"token": passport, **house.members["alice"].authenticated()}
    answer = house.door.http.post("/oauth/revoke", data=form)
    refused(answer, "temporarily_unavailable", status=503)
    assert int(answer.headers["Retry-After"]) >= 1


@pytest.mark.refusal("AZ-05")
def test_without_its_database_every_decision_is_no(house: House, alice: tuple[str, str]) -> None:
    token, member = house.service_token("decisions.evaluate"), house.members["alice"]
    assert house.decide(token, member).json()["decision"] is True
    house.postgres.stop()
    answer = house.decide(token, member)
    assert (answer.status_code, answer.json()["decision"]) == (200, False)
    assert answer.json()["context"]["reason"] == "unavailable"


def test_without_its_database_a_page_says_come_again(house: House, alice: tuple[str, str]) -> None:
    house.postgres.stop()
    for accept in ("text/html", "application/json"):
        # A browser that was signed in: its session lies in the database.
        headers = {"Accept": accept, "Cookie": "__Host-ap_session=abcdefghijklmnopqrstuvwxyz012345"}
        answer = house.door.http.get("/", headers=headers)
        assert answer.status_code == 503
        assert int(answer.headers["Retry-After"]) >= 1
