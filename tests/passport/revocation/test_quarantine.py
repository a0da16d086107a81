"""Whoever comes back after a ban is stopped later, in ordinary words; whoever merely shares something is not."""

from datetime import datetime, timedelta

import pytest

from accounts.flags.models import Flag
from accounts.linkage.memory import forget, remember
from accounts.owners.models import Account
from foundation import clock
from passport.fields import Effect
from passport.restrictions.models import Restriction
from passport.revocation.models import BatchMember, Quarantine, RevocationBatch
from passport.revocation.quarantine import act_on_due, notice_returns
from tests.accounts.linkage.conftest import see, see_hydra

pytestmark = pytest.mark.django_db
HYDRA = ("acc_1", "acc_2")
DAY = timedelta(days=1)


@pytest.fixture
def now() -> datetime:
    return clock.now()


@pytest.fixture
def batch(now: datetime) -> RevocationBatch:
    """Mallory's two accounts were revoked, and what they had is remembered."""
    see_hydra(*HYDRA, at=now)
    batch = RevocationBatch.objects.create(
        environment="sandbox", chosen_by="account", chosen_from="acc_1", requested_by="user:usr_1"
    )
    for account in HYDRA:
        BatchMember.objects.create(
            batch=batch, subject_type="account", subject_id=account, account_id=account
        )
    remember(
        HYDRA, environment="sandbox", reason="abuse", ends_at=now + 365 * DAY, batch_id=batch.pk, now=now
    )
    return batch


def test_a_newcomer_with_their_card_and_device_is_suspended_after_two_hours_at_the_earliest(
    batch: RevocationBatch, now: datetime
) -> None:
    see_hydra("acc_new", at=now)
    assert notice_returns("sandbox", now) == 1
    row = Quarantine.objects.get()
    assert timedelta(hours=2) <= row.due_at - now <= DAY
    assert act_on_due(row.due_at - timedelta(seconds=1)) == 0
    assert act_on_due(row.due_at) == 1
    placed = Restriction.objects.get()
    assert (placed.subject_id, placed.effect, placed.environment) == ("acc_new", Effect.SUSPEND, "sandbox")


def test_its_owner_reads_of_a_review_and_staff_of_the_kinds(batch: RevocationBatch, now: datetime) -> None:
    see_hydra("acc_new", at=now)
    notice_returns("sandbox", now)
    act_on_due(now + DAY)
    placed = Restriction.objects.get()
    assert (placed.reason, placed.note, placed.batch_id) == ("review", "", None)
    flag = Flag.objects.get()
    assert flag.evidence["kinds"] == ["device", "payment_instrument"]


def test_it_is_met_when_the_revoked_accounts_are_erased(batch: RevocationBatch, now: datetime) -> None:
    Account.objects.filter(pk__in=HYDRA).delete()
    see_hydra("acc_new", at=now)
    assert notice_returns("sandbox", now) == 1


def test_one_kind_alone_is_no_return(batch: RevocationBatch, now: datetime) -> None:
    see("acc_neighbour", "payment_instrument", "card 4242", at=now)
    assert notice_returns("sandbox", now) == 0


def test_who_shares_with_one_of_the_revoked_alone_is_no_return(now: datetime) -> None:
    for kind, value in (("device", "d"), ("payment_instrument", "c")):
        see("acc_1", kind, value, at=now)
        see("acc_relative", kind, value, at=now)
    remember(["acc_1"], environment="sandbox", reason="abuse", ends_at=now + DAY, batch_id="batch_1", now=now)
    assert "acc_relative" not in set(Quarantine.objects.values_list("account_id", flat=True))
    notice_returns("sandbox", now)
    assert not Quarantine.objects.filter(account_id="acc_relative").exists()


def test_who_was_in_the_batch_or_left_out_of_it_is_not_noticed(batch: RevocationBatch, now: datetime) -> None:
    see_hydra("acc_spared", at=now)
    BatchMember.objects.create(
        batch=batch, subject_type="account", subject_id="acc_spared", account_id="acc_spared", excluded=True
    )
    assert notice_returns("sandbox", now) == 0


def test_an_old_account_goes_to_a_person(batch: RevocationBatch, now: datetime) -> None:
    see_hydra("acc_old", at=now)
    Account.objects.filter(pk="acc_old").update(created_at=now - 100 * DAY)
    notice_returns("sandbox", now)
    act_on_due(now + DAY)
    assert not Restriction.objects.exists()
    assert Flag.objects.get().account_id == "acc_old"


def test_an_undone_batch_stops_nobody_any_more(batch: RevocationBatch, now: datetime) -> None:
    see_hydra("acc_new", at=now)
    notice_returns("sandbox", now)
    forget(batch.pk)
    act_on_due(now + DAY)
    assert not Restriction.objects.exists()
