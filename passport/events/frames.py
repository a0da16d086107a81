"""The bytes of the feed: pure. One frame, once, for all subscribers.

Server-sent events (HTML standard, section 9.2): ``id`` stands on the last frame of a ledger
position only, so that a reader cut off in the middle gets the whole position again.
"""

import json
from collections.abc import Iterable, Mapping, Sequence
from itertools import batched
from typing import Any

SUBS_A_FRAME = 500


def frame(event: str, data: Mapping[str, Any], *, position: int | None = None) -> bytes:
    """``data`` is one line of JSON: it can hold no line break."""
    head = "" if position is None else f"id: {position}\n"
    return f"{head}event: {event}\ndata: {json.dumps(data, separators=(',', ':'))}\n\n".encode("ascii")


def retry(milliseconds: int) -> bytes:
    return f"retry: {milliseconds}\n\n".encode("ascii")


def hello(ledger: int, lists: Sequence[str]) -> bytes:
    """The first frame of each connection."""
    return frame("hello", {"ledger": ledger, "lists": list(lists)})


def status(uri: str, ledger: int, *, bits: int, suspended: str, invalid: str) -> bytes:
    """Indexes of one list that tightened, packed; an absent member is none."""
    data: dict[str, Any] = {"uri": uri, "bits": bits, "ledger": ledger}
    if invalid:
        data["1"] = invalid
    if suspended:
        data["2"] = suspended
    return frame("status", data)


def whole_list(uri: str, ledger: int) -> bytes:
    """The list loosened, or is smaller than its delta: fetch one whose ``ledger`` is this or later."""
    return frame("list", {"uri": uri, "ledger": ledger})


def denied(subs: Iterable[str], ledger: int) -> list[bytes]:
    """Agents denied from now."""
    return [
        frame("denied", {"ledger": ledger, "subs": list(part)})
        for part in batched(sorted(set(subs)), SUBS_A_FRAME)
    ]


def denied_list(ledger: int, token: str) -> bytes:
    """All agents denied, signed: replaces what was held."""
    return frame("denied-list", {"ledger": ledger, "token": token})


def token_revoked(ledger: int, jti: str, expires_at: int) -> bytes:
    return frame("token", {"ledger": ledger, "jti": jti, "exp": expires_at})


def keys_changed(ledger: int) -> bytes:
    return frame("keys", {"ledger": ledger})


def reload(ledger: int) -> bytes:
    """The position asked for is no longer held: fetch all lists."""
    return frame("reload", {"ledger": ledger}, position=ledger)


def tick(ledger: int, unix: int) -> bytes:
    """Says that the feed is alive and that nothing was missed up to here."""
    return frame("tick", {"ledger": ledger, "time": unix}, position=ledger)


def numbered(frames: Sequence[bytes], position: int) -> bytes:
    """The frames of one position, its id on the last."""
    if not frames:
        return b""
    return b"".join([*frames[:-1], f"id: {position}\n".encode("ascii"), frames[-1]])
