"""The bodies of webhooks and their signatures (Standard Webhooks 1.0). Pure."""

import base64
import hashlib
import hmac
import json
import secrets
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime

EVENTS = {
    "agent.suspended": "An agent, or its account, was suspended or revoked",
    "passport.revoked": "A passport was suspended or revoked",
    "passport.expiring": "A passport ends within three days and was not renewed",
    "limit.reached": "An agent was refused because it reached a limit",
}
TEST = "endpoint.test"
"""Sent by hand from the portal."""
PREFIX = "whsec_"
SECRET_BYTES = 32
"""Standard Webhooks: between 24 and 64."""


@dataclass(frozen=True, slots=True)
class Message:
    """What happened, to whoever in the account wants to know."""

    event: str
    account_id: str
    about: str
    at: datetime
    data: Mapping[str, object]

    def body(self) -> str:
        moment = self.at.astimezone(UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")
        content = {"type": self.event, "timestamp": moment, "data": dict(self.data)}
        return json.dumps(content, separators=(",", ":"))


def new_secret() -> str:
    return PREFIX + base64.b64encode(secrets.token_bytes(SECRET_BYTES)).decode("ascii")


def signature_headers(
    message_id: str, body: str, signing_secrets: Iterable[str], *, now: datetime
) -> dict[str, str]:
    """The three headers; one signature for each secret, the newest first."""
    timestamp = str(int(now.timestamp()))
    signed = f"{message_id}.{timestamp}.{body}".encode()
    return {
        "webhook-id": message_id,
        "webhook-timestamp": timestamp,
        "webhook-signature": " ".join(f"v1,{_sign(secret, signed)}" for secret in signing_secrets),
    }


def _sign(secret: str, signed: bytes) -> str:
    key = base64.b64decode(secret.removeprefix(PREFIX))
    return base64.b64encode(hmac.new(key, signed, hashlib.sha256).digest()).decode("ascii")
