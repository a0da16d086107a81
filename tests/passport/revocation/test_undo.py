from datetime import timedelta

import pytest

from accounts.linkage.models import BanMemory, Signal
from foundation.jobs.outbox import run_due
from passport.credentials.models import Passport
from passport.fields import Effect
from passport.jose import base64url, strict_json
from passport.protocol import INVALID, SUSPENDED, VALID
from passport.restrictions.effective import is_good, strongest
from passport.restrictions.place import place, settle_windows
from passport.restrictions.publish import compare, publish
from passport.restrictions.subjects import Subject, SubjectRef, account_states
from passport.revocation.batch import BatchError, State
from passport.revocation.steps import get_batch
from passport.revocation.undo import undo
from passport.status.encode import get_value
from passport.status.models import StatusList
from tests.passport.population import NOON, household, signing_keys
from tests.passport.revocation.hydra import ANALYST, cluster, done

pytestmark = pytest.mark.django_db
LATER = NOON + timedelta(hours=1)


@pytest.fixture(autouse=True)
def three(db: None) -> None:
    signing_keys()
    for name in ("mallory", "trent", "oscar", "carol"):
        household(name)
    cluster("hydra", "acc_mallory", "acc_trent", "acc_oscar")


def is_valid(name: str) -> bool:
    """What the issuer says and what the published bit says: they must agree."""
    living = Passport.objects.select_related("agent", "key", "signing_key").get(account_id=f"acc_{name}")
    account = account_states("sandbox").filter(pk=living.account_id).first()
    good = is_good(
        strongest(
            [
                account.there if account else Effect.NONE,
                living.agent.effect,
                living.key.effect,
                living.effect,
                living.signing_key.effect,
            ]
        )
    )
    held = StatusList.objects.get(number=living.status_list_id)
    assert good == (get_value(bytes(held.content), 2, living.status_index) == VALID)
    return good


def bit(name: str) -> int:
    living = Passport.objects.get(account_id=f"acc_{name}")
    return get_value(
        bytes(StatusList.objects.get(number=living.status_list_id).content), 2, living.status_index
    )


def test_a_batch_hits_its_members_and_nobody_else() -> None:
    done("clu_hydra")
    assert [is_valid(name) for name in ("mallory", "trent", "oscar", "carol")] == [False, False, False, True]


def test_undone_it_is_as_if_it_had_never_been() -> None:
    batch = done("clu_hydra")
    assert undo(batch.pk, ANALYST, "mistake", now=LATER) == 3
    run_due()
    assert all(is_valid(name) for name in ("mallory", "trent", "oscar"))
    assert get_batch(batch.pk).state == State.UNDONE
    assert compare(1, LATER) == 0


def test_a_passport_revoked_before_for_another_reason_stays_revoked_after_the_undo() -> None:
    stolen = Passport.objects.get(account_id="acc_trent")
    subject = SubjectRef(Subject.PASSPORT, stolen.jti, "acc_trent")
    place([subject], effect=Effect.REVOKE, reason="stolen", actor="user:usr_trent", now=NOON)
    publish()
    batch = done("clu_hydra")
    undo(batch.pk, ANALYST, "mistake", now=LATER)
    run_due()
    assert is_valid("mallory")
    assert is_valid("oscar")
    assert not is_valid("trent")
    assert bit("trent") == INVALID


def test_one_member_is_undone_and_the_others_stay() -> None:
    batch = done("clu_hydra")
    assert undo(batch.pk, ANALYST, "innocent", ["acc_oscar"], now=LATER) == 1
    run_due()
    assert [is_valid(name) for name in ("mallory", "trent", "oscar")] == [False, False, True]
    assert get_batch(batch.pk).state == State.DONE


def test_undoing_one_member_leaves_what_others_placed_on_it() -> None:
    account = SubjectRef(Subject.ACCOUNT, "acc_oscar", "acc_oscar")
    place([account], effect=Effect.SUSPEND, reason="chargeback", actor="user:usr_1", now=NOON)
    batch = done("clu_hydra")
    undo(batch.pk, ANALYST, "innocent", ["acc_oscar"], now=LATER)
    run_due()
    assert not is_valid("oscar")
    assert account_states("sandbox").get(pk="acc_oscar").there == Effect.SUSPEND


def test_when_the_last_member_is_undone_so_is_the_batch() -> None:
    batch = done("clu_hydra")
    undo(batch.pk, ANALYST, "innocent", ["acc_oscar"], now=LATER)
    undo(batch.pk, ANALYST, "innocent", ["acc_trent", "acc_mallory"], now=LATER)
    run_due()
    assert get_batch(batch.pk).state == State.UNDONE


def test_undoing_one_of_two_overlapping_batches_leaves_the_other_in_force() -> None:
    first, second = done("clu_hydra"), done("acc_trent", by="account", effect=Effect.SUSPEND)
    undo(first.pk, ANALYST, "mistake", now=LATER)
    run_due()
    assert [is_valid(name) for name in ("mallory", "trent")] == [True, False]
    undo(second.pk, ANALYST, "mistake", now=LATER)
    run_due()
    assert is_valid("trent")


def test_undoing_twice_is_refused() -> None:
    batch = done("clu_hydra")
    undo(batch.pk, ANALYST, "mistake", now=LATER)
    with pytest.raises(BatchError) as refused:
        undo(batch.pk, ANALYST, "mistake", now=LATER)
    assert refused.value.conflict


def test_a_revoke_is_final_when_its_window_has_closed() -> None:
    batch = done("clu_hydra")
    assert bit("trent") == SUSPENDED
    closed = NOON + timedelta(hours=72)
    settle_windows(closed)
    publish()
    assert bit("trent") == INVALID
    with pytest.raises(BatchError) as refused:
        undo(batch.pk, ANALYST, "too late", now=closed)
    assert refused.value.code == "window_closed"


def test_a_suspend_can_be_taken_back_any_time() -> None:
    batch = done("clu_hydra", effect=Effect.SUSPEND)
    assert undo(batch.pk, ANALYST, "mistake", now=NOON + timedelta(days=400)) == 3


def test_an_account_outside_the_set_is_not_undone() -> None:
    batch = done("clu_hydra")
    with pytest.raises(BatchError) as refused:
        undo(batch.pk, ANALYST, "mistake", ["acc_carol", "acc_trent"], now=LATER)
    assert refused.value.accounts == ("acc_carol",)
    assert not is_valid("trent")


def test_what_is_remembered_of_the_revoked_is_forgotten_with_the_batch() -> None:
    for name in ("mallory", "trent"):
        Signal.objects.create(
            account_id=f"acc_{name}", environment="sandbox", kind="device", key_id="k", value_hash=b"d" * 32,
            first_seen_at=NOON, last_seen_at=NOON,
        )  # fmt: skip
    batch = done("clu_hydra")
    assert BanMemory.objects.filter(batch_id=batch.pk).exists()
    undo(batch.pk, ANALYST, "mistake", now=LATER)
    run_due()
    assert not BanMemory.objects.exists()


def test_both_receipts_say_what_was_done() -> None:
    batch = done("clu_hydra")
    undo(batch.pk, ANALYST, "mistake", now=LATER)
    run_due()
    batch = get_batch(batch.pk)
    first, second = (
        strict_json.loads_object(base64url.decode(token.split(".")[1]))
        for token in (batch.receipt, batch.undo_receipt)
    )
    assert (first["state"], first["counts"]["restrictions"], first["counts"]["lifted"]) == ("done", 3, 0)
    assert (second["state"], second["counts"]["lifted"], second["undone_by"]) == ("undone", 3, ANALYST)
    assert first["set_digest"] == batch.set_digest
    assert first["ledger"] < second["ledger"]
