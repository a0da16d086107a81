"""The pages of staff roles: a fresh factor, a reason, the refusals in words."""

import time

import pytest
from django.contrib.auth.models import Group
from django.test import Client

from accounts.people.models import User
from accounts.people.roles import roles_of
from tests import people

pytestmark = pytest.mark.django_db


@pytest.fixture
def sam() -> User:
    user = people.person("sam@example.com", is_staff=True)
    user.groups.add(Group.objects.get_or_create(name="operator")[0])
    return user


@pytest.fixture
def carol() -> User:
    return people.person("carol@example.com", name="Carol Stranger")


@pytest.fixture
def browser(sam: User) -> Client:
    return people.browser(sam, factor=True)


def test_an_operator_finds_somebody_by_their_address_and_gives_a_role(browser: Client, carol: User) -> None:
    found = browser.get("/admin/roles/", {"q": "Carol@example.com"})
    assert found["Location"] == f"/admin/roles/{carol.pk}/"
    answer = browser.post(f"/admin/roles/{carol.pk}/approver/give/", {"reason": "Night shift"}, follow=True)
    assert roles_of([carol.pk])[carol.pk] == {"approver"}
    page = answer.content.decode()
    assert "carol@example.com is approver now." in page
    assert "Approvals count from:" in page
    assert "Night shift" in page


def test_an_address_of_nobody_says_so(browser: Client) -> None:
    page = browser.get("/admin/roles/", {"q": "nobody@example.com"}).content.decode()
    assert "Nobody has signed up with this address" in page


def test_the_second_factor_is_asked_for_again(sam: User, carol: User) -> None:
    browser = people.browser(sam, factor=True)
    people.show_factor(browser, sam, at=time.time() - 700)
    answer = browser.post(f"/admin/roles/{carol.pk}/analyst/give/", {"reason": "x"})
    assert (answer.status_code, "/2fa/" in answer["Location"]) == (302, True)
    assert roles_of([carol.pk]) == {}


def test_ones_own_page_has_nothing_to_press_and_takes_nothing(browser: Client, sam: User) -> None:
    page = browser.get(f"/admin/roles/{sam.pk}/").content.decode()
    assert "This is you." in page
    assert "/give/" not in page
    answer = browser.post(f"/admin/roles/{sam.pk}/approver/give/", {"reason": "For myself"})
    assert (answer.status_code, "Nobody changes their own roles" in answer.content.decode()) == (400, True)
    assert roles_of([sam.pk])[sam.pk] == {"operator"}


def test_a_change_without_a_reason_is_said_and_not_made(browser: Client, carol: User) -> None:
    answer = browser.post(f"/admin/roles/{carol.pk}/analyst/give/", {"reason": ""})
    assert (answer.status_code, "Say why" in answer.content.decode()) == (400, True)


def test_an_auditor_reads_and_changes_nothing(carol: User) -> None:
    user = people.person("ada@example.com", is_staff=True)
    user.groups.add(Group.objects.get_or_create(name="auditor")[0])
    browser = people.browser(user, factor=True)
    assert "/give/" not in browser.get(f"/admin/roles/{carol.pk}/").content.decode()
    assert browser.post(f"/admin/roles/{carol.pk}/analyst/give/", {"reason": "x"}).status_code == 403


@pytest.mark.parametrize("path", ["usr_none/analyst/give/", "{}/superuser/give/", "{}/superuser/take/"])
def test_unknown_people_and_roles_are_not_found(browser: Client, carol: User, path: str) -> None:
    assert browser.post("/admin/roles/" + path.format(carol.pk), {"reason": "x"}).status_code == 404


def test_the_list_shows_roles_and_who_lacks_a_second_factor(browser: Client, carol: User) -> None:
    browser.post(f"/admin/roles/{carol.pk}/auditor/give/", {"reason": "Yearly audit"})
    page = browser.get("/admin/roles/").content.decode()
    assert "carol@example.com" in page
    assert "Not set up" in page
