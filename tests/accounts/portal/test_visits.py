import pytest
from django.test import Client

from accounts.linkage.models import Signal
from accounts.owners.accounts import open_account
from accounts.owners.models import Account
from accounts.people.models import User
from tests import people


def kinds_of(account: Account) -> set[str]:
    return set(Signal.objects.filter(account=account, environment="live").values_list("kind", flat=True))


def test_opening_an_account_records_address_range_device_and_e_mail(alice: User) -> None:
    client = people.browser(alice, REMOTE_ADDR="203.0.113.7")
    client.get("/accounts/new/")
    client.post("/accounts/new/", {"name": "Acme", "kind": "organisation"})
    assert kinds_of(Account.objects.get()) == {"email", "device", "ip_prefix"}


def test_two_accounts_of_one_browser_hold_the_same_device(alice: User, carol: User) -> None:
    shared = Client(headers={"Accept": "text/html"})
    for user in (alice, carol):
        shared.force_login(user)
        shared.get("/accounts/new/")
        shared.post("/accounts/new/", {"name": user.email, "kind": "person"})
    values = Signal.objects.filter(environment="live", kind="device").values_list("value_hash", flat=True)
    assert len(values) == 2
    assert len({bytes(value) for value in values}) == 1


def test_a_developers_visit_tells_nothing_of_the_account(acme: Account, bob: User) -> None:
    people.browser(bob).get(f"/a/{acme.pk}/activity/")
    assert kinds_of(acme) == set()


def test_an_owners_later_visit_from_elsewhere_is_recorded(alice: User) -> None:
    account = open_account(alice, "Acme", "person")
    elsewhere = people.browser(alice, REMOTE_ADDR="198.51.100.4")
    elsewhere.get("/profile/")
    elsewhere.get("/profile/")
    assert kinds_of(account) == {"device", "email", "ip_prefix"}


def test_a_client_that_keeps_no_cookie_shows_no_device(alice: User) -> None:
    account = open_account(alice, "Acme", "person")
    for _ in range(3):
        people.browser(alice).get("/profile/")
    assert kinds_of(account) == {"email", "ip_prefix"}


def test_the_device_cookie_is_random_and_out_of_reach_of_scripts(db: None) -> None:
    cookie = people.browser().get("/").cookies["ap_device"]
    assert len(cookie.value) == 43
    assert (cookie["httponly"], cookie["samesite"], cookie["secure"]) == (True, "Lax", True)


def test_a_made_up_device_cookie_is_replaced(db: None) -> None:
    client = people.browser()
    client.cookies["ap_device"] = "mine"
    assert client.get("/").cookies["ap_device"].value != "mine"


@pytest.mark.parametrize(("behind", "seen"), [(True, "203.0.113.9"), (False, "127.0.0.1")])
def test_forwarded_addresses_count_only_behind_the_proxy(settings, rf, behind: bool, seen: str) -> None:  # type: ignore[no-untyped-def]
    from foundation.web.addresses import client_address

    settings.BEHIND_PROXY = behind
    request = rf.get("/", headers={"X-Forwarded-For": "10.0.0.1, 203.0.113.9"})
    assert client_address(request) == seen


def test_a_visit_like_the_last_one_asks_the_database_for_nothing_more(
    acme: Account, as_alice: Client, django_assert_max_num_queries
) -> None:  # type: ignore[no-untyped-def]
    for _ in range(2):
        as_alice.get(f"/a/{acme.pk}/activity/")
    with django_assert_max_num_queries(12):
        as_alice.get(f"/a/{acme.pk}/activity/")
