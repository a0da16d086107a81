"""The console's pages about limits, by a browser: prepared, previewed, approved by another."""

from datetime import timedelta

import pytest
from django.contrib.auth.models import Group
from django.test import Client

from accounts.people.models import User
from accounts.people.roles import give_role
from foundation import clock
from passport.credentials.models import IssueRecord
from passport.limits.models import LimitChange, LimitOverride, LimitPolicy
from passport.usage.models import UsageMinute
from tests import people
from tests.cast import INFER, open_account, open_service

pytestmark = pytest.mark.django_db
TOKEN_DAY = {
    "service_id": "", "scope": "token", "name": "day", "applies_to": "credential", "tier": "", "quota": "5",
    "window_seconds": "86400", "burst": "5", "unit": "requests", "reason": "nobody needs more",
}  # fmt: skip


def colleague(name: str, role: str) -> tuple[User, Client]:
    olga = User.objects.filter(email="olga@example.com").first()
    if olga is None:
        olga = people.person("olga@example.com", is_staff=True)
        olga.groups.add(Group.objects.get_or_create(name="operator")[0])
    user = people.person(f"{name}@example.com", is_staff=True)
    at = clock.now() - timedelta(days=2)
    give_role(user, role, actor=f"user:{olga.pk}", reason="joined", now=at)
    return user, people.browser(user, factor=True)


@pytest.fixture
def ann() -> Client:
    return colleague("ann", "analyst")[1]


@pytest.fixture
def ben() -> Client:
    return colleague("ben", "approver")[1]


def prepare(browser: Client, path: str, **content: str) -> LimitChange:
    answer = browser.post(f"/admin/limits/{path}", content)
    assert answer.status_code == 302, answer.content.decode()[-2000:]
    return LimitChange.objects.get(pk=answer["Location"].rstrip("/").rsplit("/", 1)[-1])


def press(browser: Client, change: LimitChange, step: str):
    return browser.post(f"/admin/limits/changes/{change.pk}/{step}/")


def issued(agent: str, times: int) -> None:
    noon = (clock.now() - timedelta(days=1)).replace(hour=12)
    IssueRecord.objects.bulk_create(
        IssueRecord(
            jti=f"{agent}{n}", root=agent, account_id=f"acc_{agent}", agent=agent, audience="x", scopes="s",
            issued_at=noon + timedelta(seconds=n), expires_at=noon,
        )
        for n in range(times)
    )  # fmt: skip


def test_a_policy_is_previewed_against_yesterday_and_then_holds(ann) -> None:
    issued("agent_a", 8)
    issued("agent_b", 5)
    change = prepare(ann, "new/", **TOKEN_DAY)
    page = ann.get(f"/admin/limits/changes/{change.pk}/").content.decode()
    assert "3 of 13 units, of 1 of 2 who asked." in page
    assert not LimitPolicy.objects.exists()
    assert press(ann, change, "apply").status_code == 302
    assert LimitPolicy.objects.get().quota == 5
    assert "day" in ann.get("/admin/limits/").content.decode()


def test_a_services_policy_is_previewed_against_what_it_reported(ann) -> None:
    service, _ = open_service()
    noon = (clock.now() - timedelta(days=1)).replace(hour=12, minute=0, second=0, microsecond=0)
    counts = dict.fromkeys(("allowed", "failed", "lacks_scope", "restricted", "bad_proof", "other"), 0)
    for agent, units in (("agent_a", 60), ("agent_b", 12)):
        UsageMinute.objects.create(
            account_id="acc_a", environment="sandbox", agent=agent, service_id=service.pk, scope=INFER,
            units=units, over_limit=0, starts_at=noon, **counts,
        )  # fmt: skip
    given = {"service_id": service.pk, "scope": INFER, "name": "minute", "quota": "24", "burst": "24"}
    change = prepare(ann, "new/", **{**TOKEN_DAY, **given})
    assert (
        "36 of 72 units, of 1 of 2 who asked."
        in ann.get(f"/admin/limits/changes/{change.pk}/").content.decode()
    )


def test_what_gives_more_waits_for_somebody_else(ann, ben) -> None:
    press(ann, prepare(ann, "new/", **TOKEN_DAY), "apply")
    change = prepare(ann, "new/", **{**TOKEN_DAY, "quota": "50", "burst": "50"})
    assert press(ann, change, "apply").status_code == 400
    press(ann, change, "ask")
    assert change.pk in ben.get("/admin/limits/").content.decode()
    assert press(ben, change, "apply").status_code == 302
    assert LimitPolicy.objects.get().quota == 50
    assert press(ben, change, "apply").status_code == 409


def test_an_exception_ends_by_itself_and_names_both_people(ann, ben) -> None:
    open_account("alice")
    press(ann, prepare(ann, "new/", **TOKEN_DAY), "apply")
    path = f"policies/{LimitPolicy.objects.get().pk}/override/"
    change = prepare(ann, path, account_id="acc_alice", quota="9", burst="9", days="3", reason="a launch")
    press(ben, change, "apply")
    row = LimitOverride.objects.get()
    assert row.ends_at - row.created_at == pytest.approx(timedelta(days=3), abs=timedelta(minutes=5))
    page = ann.get("/admin/limits/overrides/").content.decode()
    assert "ann@example.com" in page
    assert "ben@example.com" in page


def test_an_endless_exception_cannot_be_asked_for(ann) -> None:
    open_account("alice")
    press(ann, prepare(ann, "new/", **TOKEN_DAY), "apply")
    path = f"/admin/limits/policies/{LimitPolicy.objects.get().pk}/override/"
    given = {"account_id": "acc_alice", "quota": "9", "burst": "9", "days": "365", "reason": "always"}
    assert ann.post(path, given).status_code == 200
    assert not LimitChange.objects.filter(kind="override").exists()


def test_a_wrong_number_is_said_at_the_form(ann) -> None:
    answer = ann.post("/admin/limits/new/", {**TOKEN_DAY, "burst": "6"})
    assert "the burst no more than the quota" in answer.content.decode()


def test_whoever_refuses_leaves_all_as_it_was(ann, ben) -> None:
    change = prepare(ann, "new/", **TOKEN_DAY)
    press(ben, change, "refuse")
    assert press(ann, change, "apply").status_code == 409
    assert not LimitPolicy.objects.exists()
