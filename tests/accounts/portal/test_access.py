"""Every page of an account, for everybody who might knock."""

import time

import pytest
from django.test import Client

from accounts.owners.accounts import close_account
from accounts.owners.models import Account, Membership
from accounts.people.models import User
from foundation import clock
from tests import people

# path, method, and what viewer, developer and owner get.
PAGES = [
    ("", "get", 302, 302, 302),
    ("start/", "get", 403, 403, 200),
    ("members/", "get", 403, 403, 200),
    ("members/invite/", "post", 403, 403, 422),
    ("members/{own}/", "get", 403, 403, 200),
    ("members/{own}/remove/", "post", 403, 403, 302),
    ("invitations/1/withdraw/", "post", 403, 403, 404),
    ("activity/", "get", 200, 200, 200),
    ("activity.csv", "get", 200, 200, 200),
    ("settings/", "get", 403, 403, 200),
    ("settings/close/", "get", 403, 403, 200),
]


def knock(client: Client, account: Account, path: str, method: str) -> int:
    own = Membership.objects.get(account=account, role="owner").pk
    url = f"/a/{account.pk}/{path.format(own=own)}"
    return getattr(client, method)(url).status_code


@pytest.mark.parametrize(("path", "method", "viewer", "developer", "owner"), PAGES)
def test_each_role_meets_its_own_doors(
    acme: Account, alice: User, bob: User, vera: User, carol: User,
    path: str, method: str, viewer: int, developer: int, owner: int,
) -> None:  # fmt: skip
    assert knock(people.browser(), acme, path, method) == 302
    assert knock(people.browser(carol, factor=True), acme, path, method) == 404
    assert knock(people.browser(vera, factor=True), acme, path, method) == viewer
    assert knock(people.browser(bob, factor=True), acme, path, method) == developer
    assert knock(people.browser(alice, factor=True), acme, path, method) == owner


def test_the_anonymous_are_sent_to_sign_in_and_back(acme: Account) -> None:
    answer = people.browser().get(f"/a/{acme.pk}/activity/?before=3")
    assert answer.url == f"/accounts/login/?next=/a/{acme.pk}/activity/%3Fbefore%3D3"


def test_an_account_that_is_not_there_looks_like_one_that_is_not_yours(acme: Account, carol: User) -> None:
    client = people.browser(carol)
    there, not_there = client.get(f"/a/{acme.pk}/activity/"), client.get("/a/acc_nowhere/activity/")
    assert (there.status_code, not_there.status_code) == (404, 404)
    assert b"Acme" not in there.content


def test_a_closed_account_can_be_read_not_changed(acme: Account, alice: User, as_alice: Client) -> None:
    close_account(acme.pk, actor=alice, now=clock.now())
    assert as_alice.get(f"/a/{acme.pk}/members/").status_code == 200
    assert as_alice.post(f"/a/{acme.pk}/settings/", {"name": "Other"}).status_code == 403


class TestSecondFactor:
    def test_who_has_none_is_sent_to_set_one_up(self, acme: Account, alice: User) -> None:
        answer = people.browser(alice).post(f"/a/{acme.pk}/members/invite/", {})
        assert answer.url == "/accounts/2fa/totp/activate/"

    def test_an_old_one_is_asked_for_anew(self, acme: Account, alice: User) -> None:
        client = people.browser(alice, factor=True)
        people.show_factor(client, alice, at=time.time() - 601)
        answer = client.get(f"/a/{acme.pk}/settings/close/")
        assert answer.url.startswith("/accounts/2fa/reauthenticate/?next=")

    def test_a_form_goes_on_after_the_factor_was_shown(self, acme: Account, alice: User) -> None:
        client = people.browser(alice)
        secret = people.give_totp(alice)
        asked = client.post(f"/a/{acme.pk}/members/invite/", {"email": "dan@example.com", "role": "viewer"})
        client.post(asked.url, {"code": people.totp_now(secret), "next": f"/a/{acme.pk}/members/invite/"})
        assert acme.invitations.get().email == "dan@example.com"

    def test_a_factor_of_another_person_in_the_same_browser_counts_for_nobody(
        self, acme: Account, alice: User, bob: User
    ) -> None:
        people.give_totp(alice)
        client = people.browser(alice)
        people.show_factor(client, bob, at=time.time())
        assert client.get(f"/a/{acme.pk}/settings/close/").status_code == 302


class TestNavigation:
    def test_a_viewer_is_shown_only_what_opens(self, acme: Account, vera: User) -> None:
        page = people.browser(vera).get(f"/a/{acme.pk}/activity/").content.decode()
        assert f'href="/a/{acme.pk}/activity/" aria-current="page"' in page
        assert f"/a/{acme.pk}/members/" not in page

    def test_the_home_of_a_new_account_is_its_next_steps(self, acme: Account, alice: User) -> None:
        assert people.browser(alice).get(f"/a/{acme.pk}/").url == f"/a/{acme.pk}/start/"
