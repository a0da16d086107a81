"""A rebuild that nobody asked for changes little by itself; weights are learnt late, in shadow, and adopted."""

import io
import json

import pytest
from django.core.management import CommandError, call_command

from accounts.flags.decided import decided_cases
from accounts.flags.models import Flag
from accounts.flags.raising import decide_flag, raise_flag
from accounts.linkage.clusters import cluster_of
from accounts.linkage.learning import Case, Counted, TooFew, adopt, count_case, in_force, learn, weigh_pairs
from accounts.linkage.models import Cluster, LinkageDifference, LinkageModel, LinkageRun
from accounts.linkage.rebuild import Wanted, rebuild
from foundation.ledger.models import Entry
from tests.accounts.linkage.conftest import NOON, partition, see, see_hydra, settled

pytestmark = pytest.mark.django_db
BY_POLICY = Wanted(by_policy=True)


def test_few_moves_are_applied_and_recorded() -> None:
    see_hydra("acc_1", "acc_2", "acc_3")
    run = rebuild("sandbox", wanted=BY_POLICY, now=NOON)
    assert (run.shadow, run.applied_by, run.accounts_to_move) == (False, "system:linkage", 3)
    assert partition() == {frozenset({"acc_1", "acc_2", "acc_3"})}
    rows = LinkageDifference.objects.values_list("account_id", "cluster_before", "first_account_after")
    assert list(rows.order_by("account_id")) == [(f"acc_{n}", "", "acc_1") for n in (1, 2, 3)]


def test_many_moves_wait_for_a_person() -> None:
    see_hydra(*(f"acc_{number:02d}" for number in range(20)))
    for number in range(20, 40):
        see(f"acc_{number}", "device", "another laptop")
        see(f"acc_{number}", "payment_instrument", "another card")
    run = rebuild("sandbox", wanted=BY_POLICY, now=NOON)
    assert (run.shadow, run.applied_at, run.accounts_to_move) == (True, None, 40)
    assert partition() == set()
    entry = Entry.objects.get(type="linkage.rebuilt")
    assert (entry.payload["run"], entry.payload["to_move"]) == (run.pk, 40)
    rebuild("sandbox", now=NOON)
    assert len(partition()) == 2
    assert set(LinkageDifference.objects.values_list("run_id", flat=True)) == {
        LinkageRun.objects.latest("pk").pk
    }


def test_nothing_is_learnt_from_few_cases() -> None:
    with pytest.raises(TooFew, match="1 cases are decided"):
        learn([Case(("acc_1", "acc_2"), "sandbox", True)], actor="user:u", now=NOON)
    assert not LinkageModel.objects.exists()


def cases() -> list[Case]:
    """Confirmed ones share a card, dismissed ones a phone."""
    found = []
    for number in range(20):
        linked = number >= 2
        pair = (f"acc_{number}_a", f"acc_{number}_b")
        for account in pair:
            see(account, "payment_instrument" if linked else "phone", f"value {number}")
        found.append(Case(pair, "sandbox", linked))
    return found * 10


def test_what_misled_weighs_nothing_and_is_in_shadow_until_a_person_adopts_it() -> None:
    row = learn(cases(), actor="user:usr_1", now=NOON)
    assert row.bits["phone"][0] == 0.0
    assert row.bits["payment_instrument"][0] > 3
    assert (row.state, in_force().version) == ("shadow", "blocks-2")
    adopt(row.version, actor="user:usr_2", reason="looked at the difference", now=NOON)
    assert in_force().version == row.version
    see_hydra("acc_1", "acc_2")
    settled()
    assert Cluster.objects.get(pk=cluster_of("acc_1", "sandbox")).model_version == row.version


def test_counts_of_nothing_give_no_weights() -> None:
    count_case(Case(("acc_1",), "sandbox", True), counted := Counted())
    assert weigh_pairs(counted, Counted()) == {}


def test_a_case_is_what_a_person_decided_last() -> None:
    see_hydra("acc_1", "acc_2")
    settled()
    for reason, state in (("fraud", Flag.State.DISMISSED), ("abuse", Flag.State.CONFIRMED)):
        flag = raise_flag(
            account_id="acc_1", environment="sandbox", reason=reason, source=Flag.Source.PERSON,
            confidence=0.9, evidence={}, raised_by="user:u",
        )  # fmt: skip
        decide_flag(flag.pk, state, "user:u")
    assert list(decided_cases()) == [Case(("acc_1", "acc_2"), "sandbox", True)]


def test_the_command_says_what_is_missing() -> None:
    with pytest.raises(CommandError, match="200 are needed"):
        call_command("learn_weights", stdout=io.StringIO(), stderr=io.StringIO())
    with pytest.raises(CommandError, match="no weights of that version"):
        call_command("learn_weights", "--adopt", "x", "--reason", "y", stdout=io.StringIO())
    with pytest.raises(CommandError, match="no weights of that version"):
        call_command("rebuild_clusters", "--model", "x", stdout=io.StringIO(), stderr=io.StringIO())


def test_a_rebuild_names_its_engine() -> None:
    out = io.StringIO()
    call_command("rebuild_clusters", "--engine", "duckdb", stdout=out, stderr=io.StringIO())
    assert json.loads(out.getvalue())["engine"] == "duckdb"
