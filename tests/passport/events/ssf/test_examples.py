"""The examples of the specifications: the same facts give the same claims."""

import json
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest

from passport.events.ssf.kinds import ACCOUNT_DISABLED, STREAM_UPDATED, VERIFICATION
from passport.events.ssf.refusals import BadCall
from passport.events.ssf.sets import event_claims, set_claims
from passport.events.ssf.subjects import iss_sub, matches, opaque, read_subject

EXAMPLES = json.loads((Path(__file__).parents[3] / "vectors" / "shared_signals.json").read_text())
STREAM = opaque("f67e39a0a4d34d56b3aa1bc4cff0069f")


@pytest.mark.parametrize(
    ("name", "kind", "subject", "members"),
    [
        ("verification", VERIFICATION, STREAM, {"state": "VGhpcyBpcyBhbiBleGFtcGxlIHN0YXRlIHZhbHVlLgo="}),
        ("stream_updated", STREAM_UPDATED, STREAM, {"status": "paused", "reason": "License is not valid"}),
        (
            "account_disabled",
            ACCOUNT_DISABLED,
            iss_sub("https://idp.example.com/", "7375626A656374"),
            {"reason": "hijacking"},
        ),
    ],
)
def test_an_example_of_the_specification_comes_out_as_it_stands_there(
    name: str, kind: str, subject: dict[str, Any], members: dict[str, str]
) -> None:
    example = EXAMPLES[name]["claims"]
    at = datetime.fromtimestamp(example["iat"], UTC)
    content = event_claims(kind, subject, members, txn="", now=at)
    assert set_claims(example["iss"], example["aud"], example["jti"], content) == example


AGENT, ACCOUNT = iss_sub("https://i", "agent_1"), iss_sub("https://i", "acct_1")
BOTH = {"format": "complex", "application": AGENT, "tenant": ACCOUNT}


@pytest.mark.parametrize(
    ("named", "told", "is_same"),
    [
        (AGENT, AGENT, True),
        (AGENT, ACCOUNT, False),
        (AGENT, BOTH, True),
        (ACCOUNT, BOTH, True),
        ({"format": "complex", "tenant": ACCOUNT}, BOTH, True),
        ({"format": "complex", "tenant": AGENT}, BOTH, False),
        ({"format": "complex", "tenant": ACCOUNT}, ACCOUNT, True),
        (BOTH, ACCOUNT, False),
        ({"format": "complex", "user": AGENT}, BOTH, False),
    ],
)
def test_a_subject_matches_itself_and_what_holds_it(named: Any, told: Any, is_same: bool) -> None:
    assert matches(named, told) is is_same


def test_a_subject_is_read_back_with_the_members_of_its_format_alone() -> None:
    assert read_subject({**AGENT, "more": 1}) == AGENT
    assert read_subject(BOTH) == BOTH
    with pytest.raises(BadCall):
        read_subject({"format": "aliases", "identifiers": []})
