"""Every way of choosing ends in the same stored set."""

from collections.abc import Callable
from contextlib import suppress
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from django.core.files.uploadedfile import SimpleUploadedFile
from django.core.management import CommandError
from hypothesis import given, settings
from hypothesis import strategies as st

from attestation.evidence.models import AccountLevel
from passport.agents.models import AgentKey
from passport.credentials.models import Passport
from passport.revocation.batch import BatchError
from passport.revocation.chosen_lists import read_list
from passport.revocation.models import BatchMember, RevocationBatch
from passport.revocation.queries import read_query
from passport.safety.forms import BatchForm
from tests.passport.population import account, agent, household, signing_keys
from tests.passport.revocation.hydra import ANALYST, staff
from tests.passport.revocation.test_commands import revoke

pytestmark = pytest.mark.django_db


@pytest.fixture(autouse=True)
def people(db: None, clock: Any) -> None:
    signing_keys()
    for name in ("mallory", "trent"):
        household(name)
    staff(ANALYST, role="analyst")


def members(option: str, value: str) -> set[str]:
    batch = revoke(chosen=(option, value))["batch"]
    return set(BatchMember.objects.filter(batch_id=batch).values_list("subject_id", flat=True))


@pytest.fixture
def written(tmp_path: Path) -> Callable[[str], str]:
    def write(text: str) -> str:
        file = tmp_path / "hydra.csv"
        file.write_text(text)
        return str(file)

    return write


def test_a_list_names_accounts_agents_and_thumbprints(written: Callable[[str], str]) -> None:
    key = AgentKey.objects.get(agent__client_id="agent_trent")
    file = written(f"acc_mallory,seen twice\nagent_trent\n\n{key.thumbprint}\nacc_mallory\n")
    assert members("--list", file) == {"acc_mallory", "agent_trent", key.pk}


def test_the_bad_lines_of_a_list_are_named_and_nothing_is_made(written: Callable[[str], str]) -> None:
    agent(account("live"), "live", environment="live")
    with pytest.raises(CommandError, match=r"bad_list.*line 2: 'bob@example.com'"):
        members("--list", written("acc_mallory\nbob@example.com\n"))
    with pytest.raises(CommandError, match=r"line 1: 'acc_nobody'; line 3: 'agent_live'"):
        members("--list", written("acc_nobody\nacc_mallory\nagent_live\n"))
    assert not BatchMember.objects.exists()


def test_a_query_chooses_accounts_by_every_condition() -> None:
    AccountLevel.objects.create(account_id="acc_trent", environment="sandbox", identity="document")
    assert members("--query", "identity=document") == {"acc_trent"}
    assert members("--query", "identity=email payment=none") == {"acc_mallory"}
    assert members("--query", "opened>=2026-01-01") == {"acc_mallory", "acc_trent"}


@pytest.mark.parametrize(
    "text", ["", "identity=king", "opened>=yesterday", "a=b", "identity=email identity=email"]
)
def test_a_query_without_a_good_condition_is_refused(text: str) -> None:
    with pytest.raises(BatchError):
        read_query(text)


def test_passports_are_chosen_by_who_signed_them_and_since_when() -> None:
    Passport.objects.filter(agent__client_id="agent_trent").update(
        issued_at=datetime(2026, 11, 24, 12, tzinfo=UTC) + timedelta(minutes=1)
    )
    assert members("--signing-key", "kid-1") == {"pp_agent_mallory", "pp_agent_trent"}
    assert members("--since", "2026-11-24T12:00:30Z") == {"pp_agent_trent"}


@settings(max_examples=30)
@given(st.binary(max_size=200))
def test_whatever_is_handed_in_is_read_or_refused(content: bytes) -> None:
    with suppress(BatchError):
        assert read_list(content)


@settings(max_examples=30)
@given(st.text(max_size=128))
def test_whatever_is_asked_is_read_or_refused(text: str) -> None:
    with suppress(BatchError):
        assert read_query(text)


def test_the_form_takes_a_file_and_names_its_bad_lines() -> None:
    fields = {"chosen_by": "list", "environment": "sandbox", "effect": "2", "reason": "hydra"}
    good = BatchForm(fields, {"file": SimpleUploadedFile("hydra.csv", b"acc_mallory\n")})
    good.is_valid()
    assert good.cleaned_data["names"] == ["acc_mallory"]
    assert good.cleaned_data["chosen_from"] == "hydra.csv"
    bad = BatchForm(fields, {"file": SimpleUploadedFile("hydra.csv", b"acc_mallory\n=1+1\n")})
    assert not bad.is_valid()
    assert "line 2" in str(bad.errors["file"])
    assert "file" in BatchForm(fields).errors
    assert RevocationBatch.objects.count() == 0
