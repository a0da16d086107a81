"""POST /v1/reports: a service's word against an account it knows by a pairwise name."""

import pytest

from accounts.flags.models import Flag
from foundation.ledger.models import Entry
from passport.credentials.pairwise import pairwise_id
from passport.restrictions.models import Restriction
from passport.usage.models import AbuseReport
from tests.cast import INFER, ISSUER, grant, hire, open_account


def name_of(account, model) -> str:
    return pairwise_id(account.pk, model.service.audience)


def test_a_report_raises_a_flag_that_counts_half_and_restricts_nothing(model, scout, alices) -> None:
    answer = model.accuse(account=name_of(alices, model), confidence=0.9, note="sends the same text")
    assert (answer.status_code, answer.json()) == (202, {"id": "report-1", "confidence": 0.5})
    flag = Flag.objects.get()
    assert (flag.account_id, flag.environment, flag.reason) == (alices.pk, "sandbox", "spam")
    assert (flag.source, flag.confidence, flag.raised_by) == ("service", 0.5, f"service:{model.service.pk}")
    assert not Restriction.objects.exists()


def test_less_confidence_is_kept_as_it_is(model, scout, alices) -> None:
    model.accuse(account=name_of(alices, model), confidence=0.2)
    assert Flag.objects.get().confidence == 0.2


def test_the_same_report_again_changes_nothing(model, scout, alices) -> None:
    answers = [model.accuse(account=name_of(alices, model)) for _ in range(2)]
    assert [answer.status_code for answer in answers] == [202, 202]
    assert (Flag.objects.count(), AbuseReport.objects.count()) == (1, 1)
    assert Entry.objects.filter(type="flag.raised").count() == 1


def test_another_report_under_a_used_id_is_refused(model, scout, alices) -> None:
    model.accuse(account=name_of(alices, model))
    assert model.accuse(account=name_of(alices, model), reason="abuse").status_code == 409


def test_an_account_that_never_came_is_unknown_even_by_its_true_name(model, stranger, scout) -> None:
    answer = model.accuse(account=name_of(stranger.account, model))
    assert (answer.status_code, answer.json()["type"]) == (404, f"{ISSUER}/docs/errors#unknown-account")


def test_an_account_that_came_later_is_found(model, scout, alices) -> None:
    assert model.accuse(account=name_of(alices, model)).status_code == 202
    carol = open_account("carol")
    grant(hire(carol, "late"), model.service, INFER)
    assert model.accuse(account=name_of(carol, model), id="report-2").status_code == 202


@pytest.mark.parametrize(
    ("wrong", "pointer"),
    [
        ({"account": "acc_alice"}, "#/account"), ({"reason": "because"}, "#/reason"),
        ({"reason": ["spam"]}, "#/reason"), ({"confidence": 0}, "#/confidence"),
        ({"confidence": True}, "#/confidence"), ({"note": "x" * 501}, "#/note"),
        ({"id": "x"}, "#/id"), ({"email": "a@b"}, "#/email"),
    ],
)  # fmt: skip
def test_a_malformed_report_is_refused_by_path(model, scout, alices, wrong, pointer) -> None:
    answer = model.accuse(**{"account": name_of(alices, model), **wrong})
    assert (answer.status_code, [fault["pointer"] for fault in answer.json()["errors"]]) == (400, [pointer])


@pytest.mark.parametrize("note", ["\x00", "\ud800"])
def test_a_note_that_no_database_holds_is_refused(model, scout, alices, note) -> None:
    assert model.accuse(account=name_of(alices, model), note=note).status_code == 400
