"""The lists and deltas that both SDKs read are what the server writes."""

import base64
import json
import zlib
from pathlib import Path
from typing import Any

import pytest

from passport.status.encode import Malformed, get_value, pack, unpack, with_values

FOLDER = Path(__file__).parents[2] / "vectors"
LISTS = json.loads((FOLDER / "lists.json").read_text())
DELTAS = json.loads((FOLDER / "deltas.json").read_text())
GOOD = [case for case in DELTAS["packings"] if case["indexes"] is not None]
CUT_SHORT = [case for case in DELTAS["packings"] if case["name"] in ("padded", "not base64url", "cut off")]


@pytest.mark.parametrize("case", LISTS["encodings"], ids=lambda case: f"{case['bits']} bits")
def test_values_are_packed_as_the_draft_shows(case: dict[str, Any]) -> None:
    empty = bytes(len(case["values"]) * case["bits"] // 8)
    content = with_values(empty, case["bits"], dict(enumerate(case["values"])))
    assert content.hex() == case["bytes"]
    packed = case["lst"] + "=" * (-len(case["lst"]) % 4)
    assert zlib.decompress(base64.urlsafe_b64decode(packed)) == content
    read = [get_value(content, case["bits"], index) for index in range(len(case["values"]))]
    assert read == case["values"]


@pytest.mark.parametrize("case", GOOD, ids=lambda case: case["name"])
def test_a_delta_is_packed_as_the_vectors_say(case: dict[str, Any]) -> None:
    assert pack(case["indexes"]) == case["packed"]
    assert list(unpack(case["packed"])) == case["indexes"]


@pytest.mark.parametrize("case", CUT_SHORT, ids=lambda case: case["name"])
def test_a_delta_that_is_no_delta_is_refused(case: dict[str, Any]) -> None:
    with pytest.raises(Malformed):
        list(unpack(case["packed"]))
