"""Giving and taking roles of staff: by another operator, with a reason, on the record."""

from datetime import UTC, datetime, timedelta

import pytest
from django.contrib.auth.models import Group

from accounts.people.models import User
from accounts.people.roles import (
    STAFF_ROLES,
    Given,
    RoleRefused,
    find_person,
    give_role,
    given_to,
    roles_of,
    staff_members,
    take_role,
)
from accounts.portal.access import groups_of
from foundation.ledger.models import Entry
from tests import people

pytestmark = pytest.mark.django_db
NOON = datetime(2026, 11, 24, 12, tzinfo=UTC)
DAY = timedelta(days=1)
WHY = "Joins the night shift."


def operator(email: str = "sam@example.com") -> User:
    user = people.person(email, is_staff=True)
    user.groups.add(Group.objects.get_or_create(name="operator")[0])
    return user


def actor(user: User) -> str:
    return f"user:{user.pk}"


def give(user: User, role: str, by: User, *, at: datetime = NOON) -> None:
    give_role(user, role, actor=actor(by), reason=WHY, now=at)


def take(user: User, role: str, by: User, *, at: datetime = NOON) -> None:
    take_role(user, role, actor=actor(by), reason=WHY, now=at)


def test_the_first_role_opens_the_console_and_stands_on_the_record() -> None:
    sam, carol = operator(), people.person("carol@example.com")
    give(carol, "analyst", sam)
    assert groups_of(User.objects.get(pk=carol.pk)) == {"analyst"}
    entry = Entry.objects.get(type="staff.role_given")
    assert (entry.actor, entry.subject_ids, entry.payload["roles"]) == (actor(sam), [carol.pk], ["analyst"])
    assert entry.text.text == WHY


def test_with_the_last_role_the_console_closes() -> None:
    sam, carol = operator(), people.person("carol@example.com")
    for role in ("analyst", "auditor"):
        give(carol, role, sam)
    take(carol, "analyst", sam)
    assert groups_of(User.objects.get(pk=carol.pk)) == {"auditor"}
    take(carol, "auditor", sam)
    carol.refresh_from_db()
    assert (carol.is_staff, roles_of([carol.pk])) == (False, {})
    assert Entry.objects.filter(type="staff.role_taken").count() == 2


@pytest.mark.parametrize("step", [give_role, take_role])
def test_nobody_changes_their_own_roles(step) -> None:
    sam = operator()
    role = "approver" if step is give_role else "operator"
    with pytest.raises(RoleRefused, match="own roles"):
        step(sam, role, actor=actor(sam), reason=WHY, now=NOON)
    assert roles_of([sam.pk])[sam.pk] == {"operator"}


@pytest.mark.parametrize("role", ["analyst", "approver", "auditor"])
def test_only_an_operator_changes_roles(role: str) -> None:
    carol, other = people.person("carol@example.com"), people.person("bob@example.com", is_staff=True)
    other.groups.add(Group.objects.get_or_create(name=role)[0])
    with pytest.raises(RoleRefused, match="Only an operator"):
        give(carol, "analyst", other)
    assert not Entry.objects.filter(type="staff.role_given").exists()


def test_who_lost_the_role_a_moment_ago_changes_nothing_more() -> None:
    sam, kim = operator(), operator("kim@example.com")
    take(kim, "operator", sam)
    with pytest.raises(RoleRefused, match="Only an operator"):
        take(sam, "operator", kim)
    assert roles_of([sam.pk])[sam.pk] == {"operator"}


def test_a_change_without_a_reason_is_refused() -> None:
    sam, carol = operator(), people.person("carol@example.com")
    with pytest.raises(RoleRefused, match="Say why"):
        give_role(carol, "analyst", actor=actor(sam), reason=" ", now=NOON)


def test_a_role_is_given_to_nobody_whose_address_is_not_confirmed() -> None:
    sam = operator()
    carol = User.objects.create_user("carol@example.com", people.PASSWORD)
    assert find_person("carol@example.com") is None
    with pytest.raises(RoleRefused, match="confirmed"):
        give(carol, "analyst", sam)


def test_a_role_twice_given_or_never_held_is_refused() -> None:
    sam, carol = operator(), people.person("carol@example.com")
    give(carol, "analyst", sam)
    with pytest.raises(RoleRefused, match="already"):
        give(carol, "analyst", sam)
    with pytest.raises(RoleRefused, match="do not have"):
        take(carol, "auditor", sam)
    with pytest.raises(RoleRefused, match="no such role"):
        give(carol, "superuser", sam)


def test_the_record_counts_a_role_from_its_last_beginning() -> None:
    sam, kim, carol = operator(), operator("kim@example.com"), people.person("carol@example.com")
    give(carol, "approver", sam)
    take(carol, "approver", sam, at=NOON + DAY)
    assert given_to([carol.pk]) == {}
    give(carol, "approver", kim, at=NOON + 2 * DAY)
    give(carol, "auditor", sam, at=NOON + 3 * DAY)
    assert given_to([carol.pk]) == {
        (carol.pk, "approver"): Given(NOON + 2 * DAY, actor(kim)),
        (carol.pk, "auditor"): Given(NOON + 3 * DAY, actor(sam)),
    }


def test_one_query_knows_the_roles_of_all(django_assert_num_queries) -> None:
    sam = operator()
    for n in range(5):
        give(people.person(f"p{n}@example.com"), STAFF_ROLES[n % 4], sam)
    ids = list(staff_members().values_list("pk", flat=True))
    with django_assert_num_queries(1):
        given_to(ids)
    with django_assert_num_queries(1):
        assert len(roles_of(ids)) == 6
