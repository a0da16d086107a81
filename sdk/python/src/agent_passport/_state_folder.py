"""What a verifier knows, on disk, so that it can start while the issuer is away.

Keys, the signed lists as they were fetched, and what the feed told since. Lists are verified
again when they are read. Each file is replaced whole; a damaged or foreign one counts as absent.
"""

import hashlib
import json
import logging
from array import array
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from typing import Any

from agent_passport import _files
from agent_passport._standing import Delta, Standing, Tracked
from agent_passport._status_list import StatusList

log = logging.getLogger("agent_passport")

_VERSION = 1


class StateFolder:
    def __init__(self, folder: Path, issuer: str) -> None:
        self._folder = folder
        self._issuer = issuer

    def save_keys(self, jwks: object, fetched_at: float) -> None:
        self._write("keys.json", {"jwks": jwks, "fetched_at": fetched_at})

    def load_keys(self) -> tuple[object, float] | None:
        found = self._read("keys.json")
        return (found.get("jwks"), _number(found.get("fetched_at"))) if found else None

    def save_list(self, uri: str, token: str) -> None:
        self._write(self._name_of(uri), {"uri": uri, "token": token})

    def load_lists(self) -> Iterator[tuple[str, str]]:
        """Addresses and signed lists, not yet verified."""
        for path in sorted(self._folder.glob("list-*.json")):
            found = self._read(path.name)
            if found and isinstance(found.get("uri"), str) and isinstance(found.get("token"), str):
                yield found["uri"], found["token"]

    def save_standing(self, standing: Standing) -> None:
        self._write("standing.json", snapshot(standing))

    def load_standing(self, standing: Standing) -> None:
        """Call before the lists are installed: they then get their deltas."""
        found = self._read("standing.json")
        try:
            if found:
                restore(standing, found)
        except (KeyError, TypeError, ValueError, OverflowError, AttributeError):
            log.warning("state_unreadable file=standing.json")
            standing.lose()

    def _name_of(self, uri: str) -> str:
        return f"list-{hashlib.sha256(uri.encode('utf-8')).hexdigest()[:32]}.json"

    def _write(self, name: str, contents: Mapping[str, Any]) -> None:
        whole = {"version": _VERSION, "issuer": self._issuer, **contents}
        try:
            _files.replace(self._folder / name, json.dumps(whole))
        except OSError as error:
            log.warning("state_not_saved file=%s error=%s", name, type(error).__name__)

    def _read(self, name: str) -> dict[str, Any] | None:
        try:
            found = json.loads((self._folder / name).read_text(encoding="utf-8"))
        except (OSError, ValueError):
            return None
        ours = isinstance(found, dict) and (found.get("version"), found.get("issuer")) == (
            _VERSION,
            self._issuer,
        )
        return found if ours else None


def snapshot(standing: Standing) -> dict[str, Any]:
    with standing.lock:
        return {
            "position": standing.position,
            "covered_from": standing.covered_from,
            "feed_time": standing.feed_time,
            "lists": {uri: _tracked(tracked) for uri, tracked in standing.lists.items()},
            "denied": sorted(standing.denied - standing.denied_since.keys()),
            "denied_at": standing.denied_at,
            "denied_since": dict(standing.denied_since),
            "revoked_tokens": dict(standing.revoked_tokens),
        }


def _tracked(tracked: Tracked) -> dict[str, Any]:
    deltas = [
        [delta.ledger, [[value, list(indexes)] for value, indexes in delta.values.items()]]
        for delta in tracked.deltas
    ]
    return {"wanted": tracked.wanted, "deltas": deltas}


def restore(standing: Standing, saved: Mapping[str, Any]) -> None:
    """Raises KeyError, TypeError or ValueError when it is not what ``snapshot`` made."""
    lists = {uri: _read_tracked(found) for uri, found in saved["lists"].items()}
    with standing.lock:
        standing.lists.update(lists)
        standing.position, standing.covered_from = (
            _position(saved["position"]),
            _position(saved["covered_from"]),
        )
        standing.feed_time = _number(saved["feed_time"])
        standing.denied_at = int(saved["denied_at"])
        standing.denied_since = {str(sub): int(at) for sub, at in saved["denied_since"].items()}
        standing.denied = frozenset(map(str, saved["denied"])) | standing.denied_since.keys()
        standing.revoked_tokens = {str(jti): int(until) for jti, until in saved["revoked_tokens"].items()}


def _read_tracked(found: Mapping[str, Any]) -> Tracked:
    deltas = [
        Delta(int(ledger), {int(value): array("I", map(int, indexes)) for value, indexes in values})
        for ledger, values in found["deltas"]
    ]
    return Tracked(deltas=deltas, wanted=int(found["wanted"]))


def _position(value: object) -> int | None:
    return None if value is None else int(str(value))


def _number(value: object) -> float:
    return float(value) if isinstance(value, (int, float)) else 0.0


def load(
    folder: StateFolder,
    standing: Standing,
    read: Callable[[str, str], StatusList | None],
    now: float,
) -> None:
    """Deltas first, then each list that ``read`` finds good."""
    folder.load_standing(standing)
    for uri, token in folder.load_lists():
        found = read(uri, token)
        if found is not None:
            standing.install(found, now)
