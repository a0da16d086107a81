"""The table of allowed steps, and that no order of events ends anywhere but in the fetched state."""

from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from attestation.contract import Fingerprint, FingerprintKind, Observation, State
from attestation.evidence import record
from attestation.evidence.life import COUNTING, NEXT, ForbiddenStep, step
from attestation.evidence.models import AccountLevel, Attestation
from attestation.evidence.record import Outcome, refuse, release, settle
from attestation.evidence.timers import expire, give_up
from foundation import clock
from foundation.ledger.models import Entry
from tests.attestation.conftest import levels, make_account

NOON = datetime(2026, 11, 24, 12, tzinfo=UTC)
states = st.sampled_from(list(State))

COURSES = [
    [State.PROCESSING, State.VERIFIED],
    [State.PROCESSING, State.REVIEW, State.VERIFIED, State.REVERSED],
    [State.PROCESSING, State.FAILED, State.PROCESSING, State.VERIFIED, State.REDACTED],
    [State.PROCESSING, State.FAILED],
    [State.CANCELED],
    [State.VERIFIED, State.REVERSED, State.VERIFIED],
]


@given(states)
def test_staying_is_always_allowed(state):
    assert step(state, state) == state


@given(states, states)
def test_a_step_is_in_the_table_or_refused(held, observed):
    try:
        taken = step(held, observed)
    except ForbiddenStep:
        assert observed not in {held, *NEXT[held]}
    else:
        assert taken == held or taken in NEXT[held]


@given(st.sampled_from(sorted(COUNTING)), st.sampled_from([State.FAILED, State.CANCELED]))
def test_a_result_that_is_later_called_failed_counts_as_reversed(held, observed):
    assert step(held, observed) == State.REVERSED


def test_a_lapsed_proof_never_comes_back_to_life():
    with pytest.raises(ForbiddenStep):
        step(State.EXPIRED, State.VERIFIED)


@pytest.fixture
def alice(db):
    return make_account("Alice")


def open_proof(account, **more):
    return Attestation.objects.create(
        account=account, environment="sandbox", kind="identity", provider="sandbox", subject_ref="sbs_1",
        started_by="user:usr_1", **more,
    )  # fmt: skip


def seen(row, state, version, **more):
    prints = [Fingerprint(FingerprintKind.DOCUMENT, more.pop("document", "passport|XS|1"))]
    return Observation(
        state=state, reference=row.pk, livemode=False, version=version, level="document", method="sandbox",
        fingerprints=prints if state in {State.VERIFIED, State.REVERSED} else [], **more,
    )  # fmt: skip


@settings(max_examples=25, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(course=st.sampled_from(COURSES), data=st.data())
def test_any_order_and_number_of_events_ends_in_the_fetched_state(db, course, data):
    """An event fetches what the object is when it is handled; answers may overtake each other."""
    account = make_account(f"a{Attestation.objects.count()}{clock.now_us()}")
    row = open_proof(account)
    answers = list(range(1, len(course) + 1))
    late = data.draw(st.lists(st.sampled_from(answers), max_size=6))
    for version in [*data.draw(st.permutations(late)), len(course), *late]:
        settle(row.pk, seen(row, course[version - 1], version, document=row.pk), now=clock.now())
    row.refresh_from_db()
    assert row.state == course[-1]
    counts = row.state in COUNTING and row.verified_at is not None
    assert levels(account)[0] == ("document" if counts else "email")


def test_the_same_version_twice_is_applied_once(alice):
    row = open_proof(alice)
    assert settle(row.pk, seen(row, State.VERIFIED, 2), now=NOON) == Outcome.APPLIED
    assert settle(row.pk, seen(row, State.VERIFIED, 2), now=NOON) == Outcome.UNCHANGED
    assert Entry.objects.filter(type="attestation.changed").count() == 1


def test_an_object_of_another_reference_changes_nothing(alice):
    row, other = open_proof(alice), open_proof(alice)
    assert settle(row.pk, seen(other, State.VERIFIED, 2), now=NOON) == Outcome.MISMATCH
    assert levels(alice) == ("email", "none")


def test_a_crash_between_the_steps_leaves_nothing_half_done(alice, monkeypatch):
    row = open_proof(alice)
    with monkeypatch.context() as broken:
        broken.setattr(record, "append", lambda *a, **k: 1 / 0)
        with pytest.raises(ZeroDivisionError):
            settle(row.pk, seen(row, State.VERIFIED, 2), now=NOON)
    row.refresh_from_db()
    assert (row.state, row.provider_version) == ("pending", 0)
    assert not AccountLevel.objects.exists()
    settle(row.pk, seen(row, State.VERIFIED, 2), now=clock.now())
    assert levels(alice) == ("document", "none")


def test_a_held_result_counts_once_a_person_releases_it(alice):
    row = open_proof(alice, hold="identity.reused")
    settle(row.pk, seen(row, State.VERIFIED, 2), now=clock.now())
    assert levels(alice) == ("email", "none")
    assert release(row.pk, actor="user:usr_staff", now=clock.now())
    assert levels(alice) == ("document", "none")
    assert not release(row.pk, actor="user:usr_staff", now=clock.now())


def test_a_held_result_can_be_refused(alice):
    row = open_proof(alice, hold="identity.reused")
    settle(row.pk, seen(row, State.VERIFIED, 2), now=clock.now())
    assert refuse(row.pk, actor="user:usr_staff", now=clock.now())
    row.refresh_from_db()
    assert (row.state, row.reason) == ("failed", "not_accepted")


def test_one_person_stands_behind_three_accounts_and_the_fourth_is_held(db):
    rows = [open_proof(make_account(name)) for name in ("Ann", "Ben", "Cid", "Dan")]
    for row in rows:
        settle(row.pk, seen(row, State.VERIFIED, 2), now=clock.now())
    assert list(Attestation.objects.order_by("pk").values_list("state", flat=True)) == [
        "verified", "verified", "verified", "review",
    ]  # fmt: skip


def test_who_verified_first_is_not_held_for_those_who_came_later(db):
    rows = [open_proof(make_account(name)) for name in ("Ann", "Ben", "Cid", "Dan")]
    for row in rows:
        settle(row.pk, seen(row, State.VERIFIED, 2), now=clock.now())
    settle(rows[0].pk, seen(rows[0], State.VERIFIED, 3), now=clock.now())
    assert Attestation.objects.get(pk=rows[0].pk).state == "verified"


def test_a_proof_lapses_and_the_level_with_it(alice):
    row = open_proof(alice)
    settle(row.pk, seen(row, State.VERIFIED, 2), now=clock.now())
    Attestation.objects.update(expires_at=clock.now() - timedelta(seconds=1))
    assert expire() == 1
    row.refresh_from_db()
    assert (row.state, levels(alice)) == ("expired", ("email", "none"))
    assert expire() == 0


def test_a_session_that_never_began_is_given_up(alice):
    row = open_proof(alice, created_at=clock.now() - timedelta(hours=49))
    Attestation.objects.update(subject_ref="")
    assert give_up() == 1
    row.refresh_from_db()
    assert row.state == "canceled"


@given(st.text(max_size=20))
def test_no_raw_value_shows_in_what_is_printed(value):
    shown = repr(Fingerprint(FingerprintKind.CARD, f"<<{value}>>"))
    assert "<<" not in shown


def test_only_hashes_of_a_document_are_kept(alice):
    row = open_proof(alice)
    settle(row.pk, seen(row, State.VERIFIED, 2, document="passport|XS|SECRET"), now=NOON)
    kept = row.hashes.get()
    assert len(bytes(kept.value_hash)) == 32
    assert b"SECRET" not in bytes(kept.value_hash)
