from datetime import timedelta

import pytest

from foundation import clock
from foundation.ledger.read import head
from passport.credentials.models import Passport
from passport.fields import Effect
from passport.jose import base64url, strict_json
from passport.protocol import INVALID, SUSPENDED, VALID
from passport.restrictions import publish as publisher
from passport.restrictions.leaked_keys import withdraw
from passport.restrictions.models import Restriction
from passport.restrictions.place import lift, place, settle_windows
from passport.restrictions.publish import compare, publish, publish_aging
from passport.restrictions.subjects import Subject, SubjectRef
from passport.status.allocate import allocate
from passport.status.encode import get_value, unpack
from passport.status.models import StatusDelta, StatusList, StatusMark
from tests.passport.population import NOON, agent, household, signing_key, signing_keys

pytestmark = pytest.mark.django_db
HOUR = timedelta(hours=1)


@pytest.fixture(autouse=True)
def keys(db: None) -> None:
    signing_keys()


def bit(number: int, index: int) -> int:
    held = StatusList.objects.get(number=number)
    return get_value(bytes(held.content), held.bits, index)


def bit_of(living: Passport) -> int:
    return bit(living.status_list_id, living.status_index)


def restrict(subject: SubjectRef, effect: Effect = Effect.SUSPEND, **fields: object) -> int:
    place([subject], effect=effect, reason="abuse", actor="user:usr_1", now=NOON, **fields)
    publish()
    return Restriction.objects.latest("pk").pk


def account_of(living: Passport) -> SubjectRef:
    return SubjectRef(Subject.ACCOUNT, living.account_id, living.account_id)


def test_the_passport_of_a_suspended_account_is_suspended_and_its_neighbours_is_not() -> None:
    alice, carol = household("alice"), household("carol")
    restrict(account_of(alice))
    assert (bit_of(alice), bit_of(carol)) == (SUSPENDED, VALID)


@pytest.mark.parametrize("kind", list(Subject))
def test_each_of_the_five_subjects_covers_the_passport(kind: Subject) -> None:
    living = household("alice")
    names = {
        Subject.ACCOUNT: living.account_id,
        Subject.AGENT: living.agent.client_id,
        Subject.KEY: living.key_id,
        Subject.PASSPORT: living.jti,
        Subject.SIGNING_KEY: signing_key().kid,
    }
    restrict(SubjectRef(kind, names[kind], "" if kind == Subject.SIGNING_KEY else living.account_id))
    assert bit_of(living) == SUSPENDED


def test_lifting_makes_it_valid_and_sends_readers_to_the_list() -> None:
    living = household("alice")
    placed = restrict(account_of(living))
    lift([placed], actor="user:usr_1", now=NOON, reason="mistake")
    publish()
    assert bit_of(living) == VALID
    newest = StatusDelta.objects.latest("pk")
    assert newest.whole
    assert (newest.suspended, newest.invalid) == ("", "")


def test_a_revoke_is_suspended_while_it_may_be_undone_then_invalid() -> None:
    living = household("alice")
    restrict(account_of(living), Effect.REVOKE, undo_until=NOON + HOUR)
    assert bit_of(living) == SUSPENDED
    settle_windows(NOON + HOUR)
    publish()
    assert bit_of(living) == INVALID


def test_a_single_revoke_is_invalid_at_once_and_a_throttle_changes_no_bit() -> None:
    alice, carol = household("alice"), household("carol")
    restrict(account_of(alice), Effect.REVOKE)
    restrict(account_of(carol), Effect.THROTTLE, factor=0.5)
    assert (bit_of(alice), bit_of(carol)) == (INVALID, VALID)


def test_the_bit_of_an_agent_without_a_passport_follows_its_account() -> None:
    living = household("alice")
    place_of_agent = allocate(living.agent.client_id, None)
    restrict(account_of(living))
    assert bit(*place_of_agent) == SUSPENDED


def test_a_key_does_not_cover_the_tokens_of_its_agents_other_key() -> None:
    living = household("alice")
    place_of_agent = allocate(living.agent.client_id, None)
    restrict(SubjectRef(Subject.KEY, living.key_id, living.account_id))
    assert bit(*place_of_agent) == VALID


def test_a_closed_agents_passport_is_invalid() -> None:
    living = household("alice")
    living.agent.state = "closed"
    living.agent.save()
    assert compare(living.status_list_id, NOON) > 0
    assert bit_of(living) == INVALID


def test_the_delta_names_the_index_that_tightened() -> None:
    living = household("alice")
    restrict(account_of(living))
    assert living.status_index in set(unpack(StatusDelta.objects.get().suspended))


def test_a_publisher_killed_between_two_lists_is_finished_by_the_next(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    living = household("alice")
    place([account_of(living)], effect=Effect.SUSPEND, reason="abuse", actor="user:usr_1", now=NOON)
    whole = publisher._publish_list

    def killed(*arguments: object, **fields: object) -> None:
        whole(*arguments, **fields)
        raise KeyboardInterrupt

    monkeypatch.setattr(publisher, "_publish_list", killed)
    with pytest.raises(KeyboardInterrupt):
        publish()
    monkeypatch.undo()
    assert StatusMark.objects.count() == 1
    publish()
    assert not StatusMark.objects.exists()
    assert StatusDelta.objects.count() == 1


def test_the_signed_list_holds_every_change_up_to_its_ledger_position() -> None:
    living = household("alice")
    restrict(account_of(living))
    held = StatusList.objects.get()
    claims = strict_json.loads_object(base64url.decode(held.token.split(".")[1]))
    assert claims["ledger"] == held.ledger == head()
    assert claims["sub"] == claims["iss"] + "/status/1"
    assert (claims["ttl"], claims["exp"] - claims["iat"]) == (60, 300)


def test_a_list_is_signed_anew_before_it_ages_and_keeps_its_content() -> None:
    living = household("alice")
    restrict(account_of(living))
    StatusList.objects.update(signed_at=clock.now() - HOUR)
    before = StatusList.objects.get()
    publish_aging()
    after = StatusList.objects.get()
    assert after.signed_at > before.signed_at
    assert bytes(after.content) == bytes(before.content)


def test_after_any_change_the_deltas_have_added_up_to_what_the_facts_say() -> None:
    alice, carol = household("alice"), household("carol")
    allocate(agent(alice.agent.account, "second").client_id, None)
    first = restrict(account_of(alice))
    restrict(SubjectRef(Subject.PASSPORT, carol.jti, carol.account_id), Effect.REVOKE)
    lift([first], actor="user:usr_1", now=NOON, reason="mistake")
    publish()
    assert compare(1, NOON) == 0


def test_a_withdrawn_signing_key_signs_no_list_any_more_though_the_command_was_cut_off() -> None:
    household("alice")
    publish()
    kid = jwt_kid(StatusList.objects.get().token)
    withdraw(kid, actor="system:command", now=NOON)
    publish()
    assert jwt_kid(StatusList.objects.get().token) not in {kid, ""}


def jwt_kid(token: str) -> str:
    return str(strict_json.loads_object(base64url.decode(token.partition(".")[0]))["kid"])
