"""The fetcher among hostile servers at real addresses, in a network of its own (hostile_network.py)."""

import json
import shutil
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

STAGE = Path(__file__).parent / "hostile_network.py"
APART = ["unshare", "--net", "--mount"]
PUBLIC, PUBLIC6 = "93.184.216.34", "2606:2800:220:1::34"


def may_make_networks() -> bool:
    if shutil.which("unshare") is None or shutil.which("ip") is None:
        return False
    return subprocess.run([*APART, "true"], capture_output=True, check=False).returncode == 0


pytestmark = pytest.mark.skipif(not may_make_networks(), reason="this machine allows no network of our own")


@pytest.fixture(scope="module")
def stage(tmp_path_factory: pytest.TempPathFactory) -> Any:
    folder = tmp_path_factory.mktemp("network")
    run = subprocess.run(
        [*APART, sys.executable, str(STAGE), str(folder)], capture_output=True, text=True, timeout=120, check=False
    )  # fmt: skip
    assert run.returncode == 0, run.stderr
    return json.loads(run.stdout)


def test_an_honest_server_is_asked_under_its_name_and_without_credentials(stage: Any) -> None:
    assert stage["outcomes"]["honest"][0] == '200 {"ok":true}'
    request = stage["request"].lower()
    assert "sni: honest.tests.example" in request
    assert "host: honest.tests.example" in request
    assert "cookie" not in request
    assert "authorization" not in request


@pytest.mark.parametrize(
    "name",
    [
        "mapped", "nat64", "six-to-four", "teredo", "link-local", "link-local6", "unique-local", "private",
        "carrier", "loopback", "multicast", "multicast6", "documentation6", "two-faced", "two-faced6",
    ],
)  # fmt: skip
def test_a_name_that_leads_to_a_private_address_is_refused_before_any_connection(
    stage: Any, name: str
) -> None:
    result, _, connections = stage["outcomes"][name]
    assert (result, connections) == ("address", [])


def test_a_name_that_changes_after_the_check_is_not_looked_up_again(stage: Any) -> None:
    result, _, connections = stage["outcomes"]["rebinding-then"]
    assert (result, connections) == ('200 {"ok":true}', [PUBLIC])
    assert stage["questions_for_one_fetch"] == 1
    assert stage["outcomes"]["rebinding"] == ["address", stage["outcomes"]["rebinding"][1], []]


def test_a_redirect_is_handed_over_and_not_followed(stage: Any) -> None:
    result, _, connections = stage["outcomes"]["redirect"]
    assert (result, connections) == ("302 ", [PUBLIC])


@pytest.mark.parametrize(
    ("name", "reason"),
    [
        ("bomb", "size"), ("endless", "size"), ("header-flood", "connection"), ("continues", "timeout"),
        ("drips-head", "timeout"), ("drips-body", "timeout"), ("silent", "timeout"), ("never-answers", "timeout"),
        ("other-certificate", "connection"), ("crowd", "name"),
    ],
)  # fmt: skip
def test_a_hostile_server_costs_no_more_than_the_time_and_size_allowed(
    stage: Any, name: str, reason: str
) -> None:
    result, seconds, _ = stage["outcomes"][name]
    assert result == reason
    assert seconds < 1.5


def test_another_address_of_the_name_is_tried_where_the_first_is_dead(stage: Any) -> None:
    assert stage["outcomes"]["half-dead"][0] == '200 {"ok":true}'


def test_a_server_of_the_new_internet_is_reached_as_well(stage: Any) -> None:
    assert stage["outcomes"]["honest6"][2] == [PUBLIC6]
