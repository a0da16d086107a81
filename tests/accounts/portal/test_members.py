import re

import pytest
from django.core import mail
from django.test import Client

from accounts.owners.models import Account, Membership
from accounts.people.models import User
from foundation.ledger.models import Entry
from tests import people


def link_in_mail() -> str:
    return re.findall(r"https://passport\.test(/invitations/\S+)", mail.outbox[-1].body)[0]


@pytest.fixture
def link(acme: Account, as_alice: Client) -> str:
    as_alice.post(f"/a/{acme.pk}/members/invite/", {"email": "Carol@example.com", "role": "developer"})
    return link_in_mail()


def test_the_person_invited_joins_by_the_link_once(acme: Account, carol: User, link: str) -> None:
    client = people.browser(carol)
    assert "Join Acme Robotics" in client.get(link).content.decode()
    assert client.post(link).url == f"/a/{acme.pk}/"
    assert Membership.objects.get(account=acme, user=carol).role == "developer"
    assert client.get(link).status_code == 404


def test_the_link_is_of_no_use_to_anybody_else(acme: Account, link: str) -> None:
    mallory = people.person("mallory@example.com")
    people.browser(mallory).post(link)
    assert not Membership.objects.filter(user=mallory).exists()


def test_a_withdrawn_link_is_dead(acme: Account, carol: User, as_alice: Client, link: str) -> None:
    as_alice.post(f"/a/{acme.pk}/invitations/{acme.invitations.get().pk}/withdraw/")
    people.browser(carol).post(link)
    assert not Membership.objects.filter(user=carol).exists()


def test_the_last_owner_neither_leaves_nor_steps_down(acme: Account, alice: User, as_alice: Client) -> None:
    own = Membership.objects.get(user=alice)
    as_alice.post(f"/a/{acme.pk}/members/{own.pk}/remove/")
    as_alice.post(f"/a/{acme.pk}/members/{own.pk}/", {"role": "viewer"})
    assert Membership.objects.get(user=alice).role == "owner"


def test_an_owner_leaves_when_another_stays(acme: Account, alice: User, bob: User, as_alice: Client) -> None:
    as_alice.post(f"/a/{acme.pk}/members/{Membership.objects.get(user=bob).pk}/", {"role": "owner"})
    as_alice.post(f"/a/{acme.pk}/members/{Membership.objects.get(user=alice).pk}/remove/")
    assert list(acme.memberships.filter(role="owner").values_list("user__email", flat=True)) == [
        "bob@example.com"
    ]


def test_members_of_another_account_are_out_of_reach(acme: Account, as_alice: Client, carol: User) -> None:
    other = Account.objects.create(name="Other")
    theirs = Membership.objects.create(account=other, user=carol, role="owner")
    assert as_alice.post(f"/a/{acme.pk}/members/{theirs.pk}/remove/").status_code == 404


def test_every_change_of_members_is_in_the_ledger_without_addresses(
    acme: Account, alice: User, bob: User, as_alice: Client, link: str
) -> None:
    as_alice.post(f"/a/{acme.pk}/members/{Membership.objects.get(user=bob).pk}/remove/")
    entries = list(Entry.objects.order_by("pk").values_list("type", "actor", "payload"))
    assert [type for type, _, _ in entries] == ["account.opened", "member.invited", "member.removed"]
    assert {actor for _, actor, _ in entries} == {f"user:{alice.pk}"}
    assert "@" not in str(entries)


def test_the_activity_page_tells_it_in_words(acme: Account, as_alice: Client, link: str) -> None:
    page = as_alice.get(f"/a/{acme.pk}/activity/").content.decode()
    assert "Member invited" in page
    assert "Account opened" in page
    table = as_alice.get(f"/a/{acme.pk}/activity.csv").content.decode()
    assert table.splitlines()[0] == "time,type,who,reason,details"


def test_closing_asks_for_the_name(acme: Account, as_alice: Client) -> None:
    url = f"/a/{acme.pk}/settings/close/"
    assert as_alice.post(url, {"typed_name": "acme"}).status_code == 422
    as_alice.post(url, {"typed_name": "Acme Robotics"})
    acme.refresh_from_db()
    assert acme.state == "closed"
