from datetime import timedelta

import pytest
from django.contrib.auth.models import Group

from accounts.owners.models import Account
from accounts.people.models import User
from passport.fields import Effect
from passport.revocation.approve import approve, find_role, propose, second_person_needed
from passport.revocation.batch import BatchError, State
from passport.revocation.models import RevocationBatch
from passport.revocation.preview import exclude, include, make_preview, record_view
from passport.revocation.run import start
from passport.revocation.steps import cancel, create_batch, get_batch
from tests.passport.population import NOON, account, household, signing_keys
from tests.passport.revocation.hydra import (
    ANALYST,
    APPROVER,
    approved,
    cluster,
    join,
    leave,
    previewed,
    staff,
)

pytestmark = pytest.mark.django_db
MINUTE = timedelta(minutes=1)


@pytest.fixture(autouse=True)
def hydra(db: None) -> str:
    signing_keys()
    for name in ("mallory", "trent", "oscar"):
        household(name)
    return cluster("hydra", "acc_mallory", "acc_trent", "acc_oscar")


@pytest.fixture
def crowd(db: None) -> str:
    """26 accounts: one more than a single person may hit in a day."""
    Account.objects.bulk_create([Account(id=f"acc_{n:02}", name=str(n)) for n in range(26)])
    return cluster("crowd", *[f"acc_{n:02}" for n in range(26)])


def code_of(function, *arguments: object, **fields: object) -> str:
    with pytest.raises(BatchError) as refused:
        function(*arguments, **fields)
    return refused.value.code


def test_the_preview_counts_what_will_stop_and_changes_nothing(hydra: str) -> None:
    batch = previewed(hydra)
    assert batch.state == State.PREVIEWED
    shown = batch.preview
    assert (shown["accounts"], shown["agents"], shown["passports"]) == (3, 3, 3)
    assert shown["restricted_already"] == {"throttle": 0, "suspend": 0, "revoke": 0}


def test_the_preview_names_who_may_be_innocent_and_why_they_are_in(hydra: str) -> None:
    Account.objects.filter(pk="acc_oscar").update(created_at=NOON - timedelta(days=400))
    (named,) = previewed(hydra).preview["perhaps_innocent"]
    assert (named["account"], named["signs"]) == ("acc_oscar", ["400 days old"])
    assert len(named["why"]) == 2


def test_whoever_is_left_out_is_not_hit_and_stays_out_of_a_new_preview(hydra: str) -> None:
    batch = previewed(hydra)
    before = batch.set_digest
    exclude(batch.pk, "acc_oscar", "resold phone", actor=ANALYST, now=NOON)
    again = make_preview(batch.pk, actor=ANALYST, now=NOON)
    assert (again.preview["accounts"], again.preview["left_out"]) == (2, 1)
    assert again.set_digest != before
    assert include(batch.pk, "acc_oscar", actor=ANALYST, now=NOON).set_digest == before


def test_leaving_somebody_out_needs_a_reason_and_a_member(hydra: str) -> None:
    batch = previewed(hydra)
    assert code_of(exclude, batch.pk, "acc_oscar", " ", actor=ANALYST, now=NOON) == "no_reason"
    assert code_of(exclude, batch.pk, "acc_carol", "x", actor=ANALYST, now=NOON) == "not_a_member"


def test_what_does_not_exist_is_not_previewed() -> None:
    for way in ("cluster", "account", "agent", "passport", "thumbprint", "newcomers"):
        batch = create_batch(
            environment="sandbox", chosen_by=way, chosen_from="nothing", reason="x", actor=ANALYST, now=NOON
        )
        assert code_of(make_preview, batch.pk, actor=ANALYST, now=NOON) == "nothing_chosen"


@pytest.mark.parametrize(
    ("way", "name"),
    [
        ("agent", "agent_trent"),
        ("passport", "pp_agent_trent"),
        ("account", "acc_trent"),
        ("cluster", "clu_hydra"),
    ],
)
def test_every_way_of_choosing_ends_in_the_same_stored_set(way: str, name: str) -> None:
    batch = previewed(name, by=way)
    assert batch.members.filter(account_id="acc_trent").count() == 1
    assert batch.preview["passports"] >= 1


def test_below_the_threshold_one_person_decides(hydra: str) -> None:
    batch = approved(previewed(hydra))
    assert batch.approved_by == ANALYST


def test_above_the_threshold_the_requester_is_not_enough(crowd: str) -> None:
    batch = previewed(crowd)
    assert second_person_needed(batch, now=NOON)
    digest = record_view(batch.pk, ANALYST, now=NOON)
    assert code_of(approve, batch.pk, ANALYST, digest, now=NOON) == "own_request"


def test_above_the_threshold_an_approver_of_yesterday_decides(crowd: str) -> None:
    staff(APPROVER)
    batch = propose(previewed(crowd).pk, ANALYST, now=NOON)
    assert approved(batch, APPROVER).approved_by == APPROVER


def test_a_superuser_without_the_role_is_not_exempt(crowd: str) -> None:
    User.objects.create(pk="usr_root", email="root@passport.test", is_staff=True, is_superuser=True)
    batch = previewed(crowd)
    digest = record_view(batch.pk, "user:usr_root", now=NOON)
    assert code_of(approve, batch.pk, "user:usr_root", digest, now=NOON) == "not_an_approver"


def test_a_role_given_this_morning_or_by_the_requester_does_not_count(crowd: str) -> None:
    batch = previewed(crowd)
    new = staff("user:usr_new", age=timedelta(hours=1))
    friend = staff("user:usr_friend", given_by=ANALYST)
    for actor, code in ((new, "role_too_new"), (friend, "role_from_requester")):
        digest = record_view(batch.pk, actor, now=NOON)
        assert code_of(approve, batch.pk, actor, digest, now=NOON) == code


def test_a_group_that_nobody_recorded_is_no_role() -> None:
    actor = staff("user:usr_ghost", role="analyst")
    User.objects.get(pk="usr_ghost").groups.add(Group.objects.get_or_create(name="approver")[0])
    assert find_role(actor) is None


def test_small_batches_of_one_day_add_up(crowd: str, hydra: str) -> None:
    Account.objects.bulk_create([Account(id=f"acc_x{n:02}", name=str(n)) for n in range(23)])
    approved(first := previewed(cluster("early", *[f"acc_x{n:02}" for n in range(23)])))
    start(first.pk, ANALYST, now=NOON)
    assert second_person_needed(previewed(hydra), now=NOON)
    assert not second_person_needed(previewed(hydra), now=NOON + timedelta(hours=25))


def test_an_approval_needs_an_open_preview(hydra: str) -> None:
    batch = previewed(hydra)
    assert code_of(approve, batch.pk, ANALYST, batch.set_digest, now=NOON) == "not_viewed"
    record_view(batch.pk, ANALYST, now=NOON)
    late = NOON + 16 * MINUTE
    assert code_of(approve, batch.pk, ANALYST, batch.set_digest, now=late) == "view_too_old"


def test_a_set_that_changed_after_it_was_seen_is_a_conflict(hydra: str) -> None:
    batch = previewed(hydra)
    digest = record_view(batch.pk, ANALYST, now=NOON)
    exclude(batch.pk, "acc_oscar", "innocent", actor=ANALYST, now=NOON)
    with pytest.raises(BatchError) as refused:
        approve(batch.pk, ANALYST, digest, now=NOON)
    assert (refused.value.code, refused.value.conflict) == ("set_changed", True)


def test_a_change_of_the_set_takes_the_approval_away(hydra: str) -> None:
    batch = approved(previewed(hydra))
    exclude(batch.pk, "acc_oscar", "innocent", actor=ANALYST, now=NOON)
    assert code_of(start, batch.pk, ANALYST, now=NOON) == "not_approved"


@pytest.mark.parametrize("approve_first", [False, True])
def test_a_member_who_left_the_cluster_is_a_conflict_that_names_them(hydra: str, approve_first: bool) -> None:
    batch = previewed(hydra)
    if approve_first:
        approved(batch)
    leave("acc_oscar")
    with pytest.raises(BatchError) as refused:
        start(batch.pk, ANALYST, now=NOON) if approve_first else approved(batch)
    assert (refused.value.code, refused.value.accounts) == ("cluster_changed", ("acc_oscar",))


def test_newcomers_go_to_a_follow_up_and_are_not_hit(hydra: str) -> None:
    batch = approved(previewed(hydra))
    account("late")
    join(hydra, "acc_late")
    start(batch.pk, ANALYST, now=NOON)
    follow_up = RevocationBatch.objects.get(follows=batch.pk)
    assert follow_up.state == State.DRAFT
    shown = make_preview(follow_up.pk, actor=ANALYST, now=NOON)
    assert list(shown.members.values_list("account_id", flat=True)) == ["acc_late"]


def test_whoever_was_left_out_is_no_newcomer(hydra: str) -> None:
    batch = previewed(hydra)
    exclude(batch.pk, "acc_oscar", "innocent", actor=ANALYST, now=NOON)
    start(approved(batch).pk, ANALYST, now=NOON)
    assert not RevocationBatch.objects.exclude(follows="").exists()


def test_a_second_approval_is_refused(hydra: str) -> None:
    batch = approved(previewed(hydra))
    digest = record_view(batch.pk, "user:usr_other", now=NOON)
    assert code_of(approve, batch.pk, "user:usr_other", digest, now=NOON) == "already_approved"


def test_a_cancelled_batch_goes_no_further(hydra: str) -> None:
    batch = cancel(previewed(hydra).pk, APPROVER, "not convinced", now=NOON)
    assert code_of(make_preview, batch.pk, actor=ANALYST, now=NOON) == "already_running"
    assert code_of(start, batch.pk, ANALYST, now=NOON) == "wrong_state"
    assert get_batch(batch.pk).state == State.CANCELLED


@pytest.mark.parametrize(
    ("effect", "factor"), [(Effect.NONE, 1.0), (Effect.SUSPEND, 0.5), (Effect.THROTTLE, 2.0)]
)
def test_an_effect_without_meaning_is_refused(effect: Effect, factor: float) -> None:
    refused = code_of(
        create_batch, environment="live", chosen_by="account", chosen_from="a", reason="x", actor=ANALYST,
        now=NOON, effect=effect, factor=factor,
    )  # fmt: skip
    assert refused == "bad_effect"
