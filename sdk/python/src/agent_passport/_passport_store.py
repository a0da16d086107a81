"""The passport on disk, so that a process that starts again does not ask for a new one.

One file for each agent and key, mode 0600. A file that is damaged or belongs to another agent
counts as absent: the passport is then simply obtained anew.
"""

import json
from pathlib import Path

from agent_passport import _files
from agent_passport._grants import Held, Session


class PassportStore:
    def __init__(self, folder: Path | None, session: Session) -> None:
        self._path = folder / f"passport-{session.key.thumbprint}.json" if folder else None
        self._owner = {"issuer": session.issuer, "client_id": session.client_id}

    def load(self) -> Held | None:
        try:
            found = json.loads(self._path.read_text(encoding="utf-8")) if self._path else None
            if found is None or any(found[name] != value for name, value in self._owner.items()):
                return None
            times = float(found["received_at"]), float(found["expires_at"])
            return Held(str(found["passport"]), *times, frozenset(found["scopes"]), "N_A")
        except (OSError, ValueError, TypeError, KeyError):
            return None

    def save(self, held: Held) -> None:
        if self._path is None:
            return
        contents = {
            **self._owner,
            "passport": held.value,
            "received_at": held.received_at,
            "expires_at": held.expires_at,
            "scopes": sorted(held.scopes),
        }
        _files.replace(self._path, json.dumps(contents) + "\n")
