"""A receipt is checked by whoever kept it, with the command line of the SDK and without the server."""

import json
from collections.abc import Callable
from pathlib import Path

import pytest
from click.testing import Result
from typer.testing import CliRunner

from agent_passport.cli import app
from foundation.jobs.outbox import run_due
from passport.protocol import TYP_ACCESS_TOKEN
from passport.revocation.models import RevocationBatch
from passport.signing import keys
from tests.passport.population import household, signing_keys
from tests.passport.revocation.hydra import ANALYST, staff
from tests.passport.revocation.test_commands import revoke

pytestmark = pytest.mark.django_db


@pytest.fixture
def receipt(db: None) -> str:
    signing_keys()
    household("mallory")
    staff(ANALYST, role="analyst")
    batch = revoke("--yes", chosen=("--account", "acc_mallory"))["batch"]
    run_due()
    return RevocationBatch.objects.get(pk=batch).receipt


@pytest.fixture
def verify(receipt: str, tmp_path: Path) -> Callable[..., Result]:
    kept = tmp_path / "jwks.json"
    kept.write_text(json.dumps(keys.jwks()))
    return lambda token, *more: CliRunner().invoke(
        app, ["verify-receipt", token, "--keys", str(kept), "--json", *more]
    )


def test_a_receipt_is_good_offline_and_says_what_was_done(
    receipt: str, verify: Callable[..., Result]
) -> None:
    answer = verify(receipt, "--issuer", "https://passport.test")
    assert answer.exit_code == 0, answer.output
    said = json.loads(answer.stdout)
    assert (said["valid"], said["effect"], said["counts"]["accounts"]) == (True, "suspend", 1)


def test_what_was_altered_or_is_no_receipt_or_anothers_is_refused(
    receipt: str, verify: Callable[..., Result]
) -> None:
    head, claims, signature = receipt.split(".")
    token = keys.active().sign({"iss": "https://passport.test"}, typ=TYP_ACCESS_TOKEN)
    refused = [
        verify(f"{head}.{claims[:-4]}AAAA.{signature}"),
        verify(token),
        verify(receipt, "--issuer", "https://mallory.test"),
        verify("nothing"),
    ]
    assert [answer.exit_code for answer in refused] == [4, 4, 4, 4]
