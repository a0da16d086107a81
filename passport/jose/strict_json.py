"""JSON from strangers: what two readers could understand differently is refused.

Duplicate members (RFC 8259 section 4 leaves their meaning open), NaN and infinities, numbers
without end, lone surrogates, NUL in strings, deep nesting.
"""

import json
import math
import re
from typing import Any, NoReturn

MAX_DEPTH = 16
UNSAFE = re.compile("[\x00\ud800-\udfff]")


def loads(raw: str | bytes, *, max_depth: int = MAX_DEPTH) -> Any:
    """The value that ``raw`` (UTF-8) spells. Raises ValueError, and nothing else."""
    try:
        text = raw.decode("utf-8") if isinstance(raw, bytes) else raw
        value = DECODER.decode(text)
    except RecursionError as deep:
        raise ValueError("nested too deeply") from deep
    # A text with no more brackets than that cannot be deeper, one without escapes cannot hide a
    # surrogate: the walk is for the few that could.
    if text.count("{") + text.count("[") > max_depth or "\\u" in text or "\x00" in text:
        _check(value, max_depth)
    return value


def loads_object(raw: str | bytes, *, max_depth: int = MAX_DEPTH) -> dict[str, Any]:
    """As ``loads``, and it must be an object."""
    value = loads(raw, max_depth=max_depth)
    if not isinstance(value, dict):
        raise ValueError("not a JSON object")
    return value


def _without_duplicates(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    members = dict(pairs)
    if len(members) != len(pairs):
        raise ValueError("a member is repeated")
    return members


def _refuse(constant: str) -> NoReturn:
    raise ValueError("not a JSON number")


def _finite(number: str) -> float:
    value = float(number)
    if not math.isfinite(value):
        raise ValueError("a number is out of range")
    return value


def _check(value: Any, depth_left: int) -> None:
    if isinstance(value, str):
        if UNSAFE.search(value):
            raise ValueError("a string has a character that is not allowed")
    elif isinstance(value, dict | list):
        if depth_left == 0:
            raise ValueError("nested too deeply")
        for part in (*value, *value.values()) if isinstance(value, dict) else value:
            _check(part, depth_left - 1)


DECODER = json.JSONDecoder(object_pairs_hook=_without_duplicates, parse_constant=_refuse, parse_float=_finite)
"""Made once: `json.loads` with hooks makes one for every call."""
