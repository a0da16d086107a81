"""Every page of the console, by every role: PAGES section 7."""

from dataclasses import asdict
from datetime import timedelta

import pytest
from django.contrib import admin
from django.contrib.auth.models import Group
from django.test import Client
from django.urls import reverse

from accounts.linkage.models import Cluster
from accounts.owners.models import Account
from accounts.people.models import User
from attestation.evidence.models import Attestation
from foundation import clock
from passport.limits.changes import policy_value
from passport.limits.models import LimitChange, LimitOverride, LimitPolicy
from passport.revocation.models import RevocationBatch
from passport.safety.pages import PAGES
from tests import people

pytestmark = pytest.mark.django_db

ROLES = ("nobody", "member", "no_group", "analyst", "approver", "auditor", "operator")
READ = {"analyst", "approver", "auditor"}
DECIDE = {"analyst", "approver"}
KEEP = {"auditor", "operator"}
EVERY = READ | KEEP

ALLOWED = {
    "start": EVERY,
    "queue": READ, "accounts": READ, "account": READ, "account_usage": READ, "account_timeline": READ, "cluster": READ, "batches": READ, "batch": READ,
    "approvals": READ, "preview": READ, "audit": READ, "verify_audit": READ,
    "dismiss_flag": DECIDE, "confirm_flag": DECIDE, "flag_account": DECIDE, "new_batch": DECIDE,
    "refresh_batch": DECIDE, "leave_out": DECIDE, "take_in": DECIDE, "ask_approval": DECIDE, "run_batch": DECIDE,
    "give_up": DECIDE, "pause_batch": DECIDE, "resume_batch": DECIDE, "undo_batch": DECIDE,
    "switches": EVERY, "turn_switch": {"approver", "operator"},
    "keys": KEEP, "rotate_key": {"operator"}, "health": KEEP,
    "attestations": READ, "attestation": READ, "release_attestation": DECIDE, "refuse_attestation": DECIDE,
    "limits": READ, "limit_overrides": READ, "limit_change": READ, "new_limit": DECIDE, "drop_limit": DECIDE,
    "new_override": DECIDE, "end_override": DECIDE, "apply_limit_change": DECIDE, "ask_limit_change": DECIDE,
    "refuse_limit_change": DECIDE, "traces": DECIDE,
    "place_pin": DECIDE, "lift_pin": DECIDE,
    "roles": KEEP, "person_roles": KEEP, "give_role": {"operator"}, "take_role": {"operator"},
}  # fmt: skip
CHANGES = {
    "verify_audit", "dismiss_flag", "confirm_flag", "refresh_batch", "leave_out", "take_in", "ask_approval",
    "run_batch", "give_up", "pause_batch", "resume_batch", "turn_switch", "rotate_key",
    "release_attestation", "refuse_attestation", "give_role", "take_role", "apply_limit_change", "ask_limit_change",
    "refuse_limit_change", "lift_pin",
}  # fmt: skip
OPEN_TO_ALL = {"start"}
"""It only leads on; the next page asks."""


def browser_of(role: str) -> Client:
    if role == "nobody":
        return people.browser()
    user = people.person(f"{role}@example.com", is_staff=role != "member")
    if role not in {"member", "no_group"}:
        user.groups.add(Group.objects.get_or_create(name=role)[0])
    return people.browser(user, factor=True)


def url_of(name: str) -> str:
    account = Account.objects.create(name="Alice")
    cluster = Cluster.objects.create(environment="sandbox", grade="linked", model_version="1")
    batch = RevocationBatch.objects.create(
        environment="sandbox", chosen_by="account", chosen_from=account.pk, requested_by="user:usr_1"
    )
    proof = Attestation.objects.create(
        account=account, environment="sandbox", kind="identity", provider="sandbox", hold="identity.reused"
    )
    names = {"account": account.pk, "cluster": cluster.pk, "batch": batch.pk, "attestation": proof.pk}
    (pattern,) = [page for page in PAGES if page.name == name]
    known = {f"{name}_id": name for name in names}
    given = {word: names[known[word]] for word in known if f"<str:{word}>" in str(pattern.pattern)}
    given |= {word: "flag_1" for word in ("flag_id",) if f"<str:{word}>" in str(pattern.pattern)}
    given |= {word: "sign_ups" for word in ("name",) if f"<str:{word}>" in str(pattern.pattern)}
    given |= {word: "approver" for word in ("role",) if f"<str:{word}>" in str(pattern.pattern)}
    if "limits/" in str(pattern.pattern):
        given = {word: pk for word, pk in limit_rows(account).items() if f":{word}>" in str(pattern.pattern)}
    if "<str:user_id>" in str(pattern.pattern):
        given["user_id"] = User.objects.get_or_create(email="carol@example.com")[0].pk
    return reverse(f"admin:{name}", kwargs=given)


def limit_rows(account: Account) -> dict[str, object]:
    name = f"day-{LimitPolicy.objects.count()}"
    policy = LimitPolicy.objects.create(
        scope="token", name=name, applies_to="account", quota=9, window_seconds=60, burst=9
    )
    override = LimitOverride.objects.create(
        account=account, policy=policy, quota=5, burst=5, ends_at=clock.now() + timedelta(days=1)
    )
    change = LimitChange.objects.create(
        kind="drop", wanted=asdict(policy_value(policy)), requested_by="user:usr_1"
    )
    return {"policy_id": policy.pk, "override_id": override.pk, "change_id": change.pk}


def test_the_table_names_every_page() -> None:
    assert {page.name for page in PAGES} == set(ALLOWED)


@pytest.mark.parametrize("role", ROLES)
def test_each_page_is_open_to_its_roles_and_to_nobody_else(role: str) -> None:
    browser = browser_of(role)
    for name, allowed in ALLOWED.items():
        if name in OPEN_TO_ALL:
            continue
        url = url_of(name)
        answer = browser.post(url) if name in CHANGES else browser.get(url)
        if role == "nobody":
            assert (answer.status_code, "/accounts/login/" in answer["Location"]) == (302, True), name
        elif role == "member":
            assert answer.status_code == 404, name
        elif role in allowed:
            assert answer.status_code not in {403, 405, 500}, name
        else:
            assert answer.status_code == 403, name


@pytest.mark.parametrize("name", sorted(CHANGES))
def test_what_changes_something_is_never_done_by_a_get(name: str) -> None:
    user = people.person("sam@example.com", is_staff=True, is_superuser=True)
    assert people.browser(user, factor=True).get(url_of(name)).status_code == 405


def test_staff_without_a_second_factor_see_nothing() -> None:
    user = people.person("sam@example.com", is_staff=True, is_superuser=True)
    answer = people.browser(user).get("/admin/queue/")
    assert (answer.status_code, "/2fa/" in answer["Location"]) == (302, True)


@pytest.mark.parametrize("role", ["analyst", "operator"])
def test_record_pages_show_and_take_nothing(role: str) -> None:
    browser = browser_of(role)
    account = Account.objects.create(name="Alice")
    url = reverse("admin:accounts_account_change", args=[account.pk])
    expected = 200 if role == "analyst" else 403
    assert browser.get(url).status_code == expected
    assert browser.post(url, {"name": "Mallory"}).status_code == 403
    assert browser.post(reverse("admin:accounts_account_delete", args=[account.pk])).status_code == 403


def test_only_our_own_record_pages_are_registered() -> None:
    named = {model._meta.label for model in admin.site._registry}
    assert named == {
        "accounts.Account", "accounts.Flag", "attestation.ProviderEvent", "foundation.Entry", "passport.Agent",
        "passport.EventStream", "passport.Passport", "passport.Restriction", "passport.RevocationBatch",
        "passport.StreamEvent",
    }  # fmt: skip
