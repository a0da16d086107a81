"""The sandbox provider as the house sees it: an HTTP API, hosted pages, signed webhooks."""

import json
from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any, Final
from urllib.parse import quote

from attestation import conf
from attestation.contract import (
    EventRef,
    Observation,
    ProviderAway,
    ProviderRefused,
    Started,
    StartRequest,
    UnknownObject,
)
from attestation.providers.sandbox import objects, webhooks
from foundation.outbound.client import Fetched, OutboundError, fetch

SERVER_ERROR: Final = 500
TOO_MANY: Final = 429
NOT_FOUND: Final = 404


class SandboxProvider:
    """Offered only where the settings say so; its results never count for live agents."""

    name = "sandbox"
    title = "Sandbox provider"
    livemode = False
    kinds = frozenset({"identity", "payment"})

    @property
    def origin(self) -> str:
        return conf.issuer()

    def start(self, request: StartRequest) -> Started:
        body = {
            "kind": request.kind,
            "wants": request.level,
            "reference": request.reference,
            "return_url": request.return_url,
        }
        answer = self._call("POST", "/v1/sessions", body, {"Idempotency-Key": request.idempotency_key})
        return objects.read_started(answer.body)

    def verify_webhook(self, headers: Mapping[str, str], body: bytes, now: datetime) -> list[EventRef]:
        return [webhooks.verify(headers, body, conf.sandbox_webhook_secrets(), now)]

    def fetch(self, subject_ref: str) -> Observation:
        return objects.read_observation(self._call("GET", _path(subject_ref)).body)

    def cancel(self, subject_ref: str) -> None:
        self._call("POST", f"{_path(subject_ref)}/cancel", {})

    def redact(self, subject_ref: str) -> None:
        self._call("POST", f"{_path(subject_ref)}/redact", {})

    def list_events(self, since: datetime) -> list[EventRef] | None:
        seconds = int(since.astimezone(UTC).timestamp())
        return objects.read_events(self._call("GET", f"/v1/undelivered?since={seconds}").body)

    def probe(self) -> None:
        self.list_events(datetime.now(UTC))

    def _call(
        self,
        method: str,
        path: str,
        body: dict[str, Any] | None = None,
        headers: Mapping[str, str] | None = None,
    ) -> Fetched:
        """One request. Raises ProviderAway, UnknownObject, ProviderRefused."""
        sent = {"Authorization": f"Bearer {conf.sandbox_api_keys()[0]}", **(headers or {})}
        if body is not None:
            sent["Content-Type"] = "application/json"
        try:
            answer = fetch(
                method,
                f"{conf.issuer()}{conf.SANDBOX_PATH}{path}",
                headers=sent,
                body=json.dumps(body).encode() if body is not None else None,
                allow_private=True,
            )
        except OutboundError as failure:
            raise ProviderAway(type(failure).__name__) from failure
        check_status(answer.status)
        return answer


def check_status(status: int) -> None:
    if status >= SERVER_ERROR or status == TOO_MANY:
        raise ProviderAway(f"status {status}", answered=status >= SERVER_ERROR)
    if status == NOT_FOUND:
        raise UnknownObject("no such session")
    if not 200 <= status < 300:
        raise ProviderRefused(f"status {status}")


def _path(subject_ref: str) -> str:
    """An empty reference would name the list of all sessions, not one of them."""
    if not subject_ref:
        raise UnknownObject("no session yet")
    return f"/v1/sessions/{quote(subject_ref, safe='')}"
