"""Reads the JSON bodies of receivers. Pure: bytes in, a checked object out."""

from collections.abc import Mapping
from typing import Any

from passport.events.ssf.refusals import BadCall
from passport.jose import strict_json

MOST_BYTES = 64 * 1024
MOST_DEPTH = 8


def read_object(body: bytes) -> dict[str, Any]:
    """A JSON object, read as strictly as everywhere. Raises BadCall."""
    try:
        return strict_json.loads_object(body, max_depth=MOST_DEPTH)
    except ValueError as wrong:
        raise BadCall(f"the body is no JSON object: {wrong}") from None


def text(content: Mapping[str, Any], name: str, *, most: int, required: bool = False) -> str:
    """A text member; absent or null is the empty text. Raises BadCall."""
    value = content.get(name)
    if value is None and not required:
        return ""
    if not isinstance(value, str) or len(value) > most or (required and not value):
        raise BadCall(f"{name} is a text of at most {most} characters")
    return value
