"""The broker is stopped, or a worker dies with a job in its hands: batches wait and resume (DESIGN section 8)."""

import json
import signal
from pathlib import Path

import pytest

from tests.cast import granted, refused
from tests.faults.house import House, wait_for

pytestmark = pytest.mark.services

OFFICER = "casey@passport.test"
STEPS = [
    "batch.draft",
    "batch.previewed",
    "batch.approved",
    "batch.running",
    "restriction.placed",
    "batch.done",
]


@pytest.fixture(scope="module")
def officer(house: House) -> str:
    house.environment["AP_OPERATOR_PASSWORD"] = "correct horse battery 9"
    house.manage("create_operator", OFFICER, "--role", "analyst")
    return OFFICER


def suspend(house: House, officer: str, account_id: str) -> str:
    """A batch by an officer's command. Gives its id."""
    said = house.manage(
        "revoke", "--account", account_id, "--environment", "sandbox", "--reason", "abuse", "--by", officer,
        "--yes", "--json",
    )  # fmt: skip
    return str(json.loads(said)["batch"])


def state(house: House, batch: str) -> tuple[str, bool]:
    ((name, has_receipt),) = house.sql(
        "SELECT state, receipt <> '' FROM passport_revocationbatch WHERE id = %s", batch
    )
    return name, has_receipt


def steps(house: House, batch: str) -> list[str]:
    rows = house.sql(
        "SELECT e.type FROM foundation_entry e JOIN foundation_entrysubject s ON s.entry_id = e.id"
        " WHERE s.subject_id = %s ORDER BY e.id",
        batch,
    )
    return [name for (name,) in rows]


def exchange(house: House, name: str, passport: str) -> object:
    key = house.members[name].key
    return house.with_nonce(lambda nonce: house.endpoint.exchange(passport, proof=key.proof(nonce=nonce)))


def test_without_a_broker_what_is_revoked_is_refused_at_once_and_batches_wait(
    house: House, officer: str
) -> None:
    passports = {name: house.passport_of(name) for name in ("carol", "alice")}
    for name, passport in passports.items():
        granted(exchange(house, name, passport))
    house.broker.stop()
    try:
        form = {"token": passports["alice"], **house.members["alice"].authenticated()}
        assert house.door.http.post("/oauth/revoke", data=form).status_code == 200
        refused(exchange(house, "alice", passports["alice"]), "invalid_request", reason="passport_revoked")
        batch = suspend(house, officer, house.members["carol"].account_id)
        refused(exchange(house, "carol", passports["carol"]), "invalid_request", reason="account_suspended")
        assert state(house, batch) == ("running", False)
    finally:
        house.broker.start()
    wait_for(lambda: state(house, batch) == ("done", True), "the batch resumes")
    assert steps(house, batch) == STEPS


def test_a_worker_that_dies_between_its_lease_and_its_mark_is_followed_by_another(
    house: House, officer: str, tmp_path: Path
) -> None:
    passport = house.passport_of("mallory")
    house.worker.kill()
    house.worker.wait(10)
    dying = house.begin_dying_worker("job/passport.revocation.travel:after:1")
    batch = suspend(house, officer, house.members["mallory"].account_id)
    assert dying.wait(120) == -signal.SIGKILL
    refused(exchange(house, "mallory", passport), "invalid_request", reason="account_suspended")
    ((leased,),) = house.sql(
        "SELECT count(*) FROM foundation_job WHERE name = 'passport.revocation.travel' AND finished_at IS NULL"
        " AND leased_until > now()"
    )
    assert leased == 1
    # Two minutes later: the lease of the dead one has ended.
    house.sql("UPDATE foundation_job SET leased_until = now() WHERE finished_at IS NULL AND lease <> ''")
    house.worker = house.begin_worker()
    wait_for(lambda: open_jobs(house) == 0, "the job is done")
    assert state(house, batch) == ("done", True)
    assert steps(house, batch) == STEPS


def open_jobs(house: House) -> int:
    query = "SELECT count(*) FROM foundation_job WHERE name = 'passport.revocation.travel' AND finished_at IS NULL"
    return int(house.sql(query)[0][0])
