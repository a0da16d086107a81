"""Reads the JSON bodies of receivers. Pure: bytes in, a checked object out."""

import json
from collections.abc import Mapping
from typing import Any

from passport.events.ssf.refusals import BadCall

MOST_BYTES = 64 * 1024
MOST_DEPTH = 8


def read_object(body: bytes) -> dict[str, Any]:
    """A JSON object without repeated members, with text that can be stored. Raises BadCall."""
    try:
        content = json.loads(body.decode("utf-8"), object_pairs_hook=_members, parse_constant=_refuse)
    except (ValueError, RecursionError):
        raise BadCall("the body is not JSON") from None
    if not isinstance(content, dict):
        raise BadCall("the body is a JSON object")
    _check_text(content, MOST_DEPTH)
    return content


def text(content: Mapping[str, Any], name: str, *, most: int, required: bool = False) -> str:
    """A text member; absent or null is the empty text. Raises BadCall."""
    value = content.get(name)
    if value is None and not required:
        return ""
    if not isinstance(value, str) or len(value) > most or (required and not value):
        raise BadCall(f"{name} is a text of at most {most} characters")
    return value


def _members(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    found = dict(pairs)
    if len(found) < len(pairs):
        raise ValueError("a member is named twice")
    return found


def _refuse(constant: str) -> None:
    raise ValueError(f"{constant} is not JSON")


def _check_text(value: object, depth: int) -> None:
    """No NUL and no half of a surrogate pair: neither can be stored."""
    if depth < 0:
        raise BadCall("the body is nested too deeply")
    if isinstance(value, str):
        if "\0" in value or any("\ud800" <= letter <= "\udfff" for letter in value):
            raise BadCall("the body has characters that cannot be kept")
    elif isinstance(value, dict):
        for name, one in value.items():
            _check_text(name, depth)
            _check_text(one, depth - 1)
    elif isinstance(value, list):
        for one in value:
            _check_text(one, depth - 1)
