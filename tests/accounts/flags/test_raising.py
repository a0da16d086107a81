import pytest

from accounts.flags.models import Flag
from accounts.flags.queue import open_flags, waiting
from accounts.flags.raising import decide_flag, raise_flag
from accounts.owners.models import Account
from foundation import clock
from foundation.ledger.models import Entry

pytestmark = pytest.mark.django_db


@pytest.fixture
def alice() -> Account:
    return Account.objects.create(name="Alice")


def suspect(account: Account, reason: str = "payment_fraud") -> Flag:
    return raise_flag(
        account_id=account.pk,
        environment="sandbox",
        reason=reason,
        source="person",
        confidence=0.9,
        evidence={},
        raised_by="user:usr_1",
    )


def test_raising_an_open_flag_again_gives_the_same_one(alice: Account) -> None:
    assert suspect(alice).pk == suspect(alice).pk
    assert suspect(alice, "spam").pk != suspect(alice).pk
    assert Entry.objects.filter(type="flag.raised").count() == 2


def test_a_decided_flag_may_be_raised_anew(alice: Account) -> None:
    first = suspect(alice)
    assert decide_flag(first.pk, "dismissed", "user:usr_2")
    assert suspect(alice).pk != first.pk


def test_the_first_decision_stands(alice: Account) -> None:
    flag = suspect(alice)
    assert decide_flag(flag.pk, "confirmed", "user:usr_2")
    assert not decide_flag(flag.pk, "dismissed", "user:usr_3")
    flag.refresh_from_db()
    assert (flag.state, flag.decided_by) == ("confirmed", "user:usr_2")
    assert Entry.objects.filter(type="flag.decided").count() == 1


def test_a_flag_without_a_subject_is_refused() -> None:
    with pytest.raises(ValueError, match="account or a cluster"):
        raise_flag(
            environment="live",
            reason="spam",
            source="person",
            confidence=1,
            evidence={},
            raised_by="user:usr_1",
        )


def test_the_queue_shows_who_waits_longest_first(alice: Account) -> None:
    first, second = suspect(alice), suspect(alice, "spam")
    lines = waiting(list(open_flags("sandbox")), now=clock.now())
    assert [line.flag.pk for line in lines] == [first.pk, second.pk]
    assert not lines[0].late
