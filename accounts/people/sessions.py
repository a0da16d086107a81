"""Sessions whose content lies sealed: a factor being set up, a form that waits for a factor."""

import base64
import json
from typing import Any

from django.contrib.sessions.backends.db import SessionStore as DatabaseSessions

from foundation.sealing.boxes import CannotOpen, open_box, seal

CONTEXT = "people.session"


class SessionStore(DatabaseSessions):
    """Django's database sessions with another envelope. What cannot be opened is an empty session."""

    def encode(self, session_dict: dict[str, Any]) -> str:
        plain = json.dumps(session_dict, separators=(",", ":")).encode()
        return base64.b64encode(seal(plain, context=CONTEXT)).decode("ascii")

    def decode(self, session_data: bytes | str) -> dict[str, Any]:
        try:
            content = json.loads(open_box(base64.b64decode(session_data), context=CONTEXT))
        except (CannotOpen, ValueError):
            return {}
        return content if isinstance(content, dict) else {}
