"""The Redis of admission is stopped, comes back, and comes back empty (DESIGN section 5)."""

import pytest

from tests.cast import Key, granted, refused
from tests.faults.house import House, wait_for

pytestmark = pytest.mark.services


class Bob:
    """Exchanges his passport, and keeps every proof he has spent."""

    def __init__(self, house: House) -> None:
        self.house = house
        self.key: Key = house.members["bob"].key
        self.passport = house.passport_of("bob")
        self.spent: list[str] = []

    def exchanges(self) -> None:
        """Gets a token as the SDK does."""

        def ask(nonce: str | None) -> object:
            self.proof = self.key.proof(nonce=nonce)
            return self.house.endpoint.exchange(self.passport, proof=self.proof)

        granted(self.house.with_nonce(ask))  # type: ignore[arg-type]
        self.spent.append(self.proof)

    def is_never_replayed(self) -> None:
        """However it is said, no proof gives a second token."""
        for proof in self.spent:
            answer = self.house.endpoint.exchange(self.passport, proof=proof)
            assert answer.status_code in {400, 503}, answer.text
            assert "access_token" not in answer.json()


@pytest.fixture
def bob(house: House) -> Bob:
    wait_for(lambda: house.mode() == "redis", "admission by Redis")
    return Bob(house)


def test_while_redis_is_gone_the_database_admits_and_no_proof_is_taken_twice(house: House, bob: Bob) -> None:
    bob.exchanges()
    house.admission.stop()
    bob.is_never_replayed()
    wait_for(lambda: house.mode() == "database", "admission by the database")
    bob.exchanges()
    bob.is_never_replayed()
    replay = house.endpoint.exchange(bob.passport, proof=bob.spent[-1])
    refused(replay, "invalid_dpop_proof", reason="proof_replayed")
    assert house.door.http.get("/readyz").status_code == 200
    house.admission.start()
    wait_for(lambda: house.mode() == "redis", "the way back")
    bob.is_never_replayed()
    bob.exchanges()
    bob.is_never_replayed()


def test_a_redis_that_comes_back_empty_is_not_believed(house: House, bob: Bob) -> None:
    bob.exchanges()
    house.admission.stop()
    house.admission.lose_everything()
    house.admission.start()
    bob.is_never_replayed()
    bob.exchanges()
    bob.is_never_replayed()
    wait_for(lambda: house.mode() == "redis", "the way back")
    bob.is_never_replayed()
    bob.exchanges()
    bob.is_never_replayed()
    changes = house.sql("SELECT reason FROM foundation_entry WHERE type = 'admission.mode' ORDER BY id")
    assert ("recovered",) in changes
