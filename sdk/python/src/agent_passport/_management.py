"""Calls the management interface of the issuer (``ISS/v1``) for the person who logged in."""

import json
from collections.abc import Iterator, Mapping
from types import TracebackType
from typing import Any
from urllib.parse import urlencode, urlsplit

import httpx

from agent_passport import _login, _retry
from agent_passport._dpop import make_proof
from agent_passport._errors import IssuerAnswerInvalid, IssuerBusy, IssuerRefused, IssuerUnreachable
from agent_passport._flow import check_issuer
from agent_passport._login import LoginStore
from agent_passport._protocol import API_RESOURCE_PATH

CURES: Mapping[str, str] = {
    "role": "Ask an owner of the account",
    "membership_ended": "Log in again and choose another account: agent-passport login",
    "invalid_token": "Log in again: agent-passport login",
    "access_denied": "Log in again with the scope that is named: agent-passport login --scope …",
    "attestation_missing": "Prove it in the portal, under Verification",
    "assurance_too_low": "Prove it in the portal, under Verification",
    "account_suspended": "The portal says why (Notices), and takes appeals",
    "changed_meanwhile": "Look at it again, then repeat the change",
    "http-404": "Compare the id: agent-passport agents list",
}
_TRIES = 3


class ManagementRefused(IssuerRefused):
    """``code`` is the fragment of the problem's ``type`` (RFC 9457)."""

    default_cure = "Read the page at error_uri"


class Management:
    """One person's calls. Refreshes the login when it is due, and keeps what came of it."""

    def __init__(self, issuer: str, *, timeout_seconds: float = 20.0) -> None:
        self._store = LoginStore(check_issuer(issuer))
        self._login = self._store.load()
        self._issuer = issuer
        self._client = httpx.Client(timeout=timeout_seconds)

    def __enter__(self) -> "Management":
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._client.close()

    def call(self, method: str, path: str, body: Any = None, **headers: str) -> dict[str, Any]:
        """The answer's object. ``path`` begins behind ``/v1``. Raises AgentPassportError."""
        if _login.refreshed(self._login, self._client):
            self._store.save(self._login)
        url = f"{self._issuer}{API_RESOURCE_PATH}{path}"
        for last in (False,) * (_TRIES - 1) + (True,):
            response = self._send(method, url, body, headers)
            asks_again = self._learn(response) and response.status_code == 401
            if last or not asks_again:
                break
        return self._read(response)

    def pages(self, path: str, name: str, **query: str) -> Iterator[dict[str, Any]]:
        """All entries of a list, page by page."""
        here = f"{path}?{urlencode({key: value for key, value in query.items() if value})}"
        while here:
            page = self.call("GET", here)
            yield from page[name]
            here = self._next(page.get("next"))

    def _next(self, url: object) -> str:
        """Only the query is taken over: whatever the answer says, the call goes to the issuer."""
        if not isinstance(url, str):
            return ""
        parts = urlsplit(url)
        return f"{parts.path.partition(API_RESOURCE_PATH)[2]}?{parts.query}"

    def _send(self, method: str, url: str, body: Any, headers: Mapping[str, str]) -> httpx.Response:
        session, token = self._login.session, self._login.held.value
        proof = make_proof(
            session.key, method, url, now=session.clock.now(), nonce=session.nonce, token=token
        )
        sent = {"Authorization": f"DPoP {token}", "DPoP": proof, "Accept": "application/json", **headers}
        if body is not None:
            sent["Content-Type"] = "application/json"
        content = None if body is None else json.dumps(body)
        try:
            return self._client.request(method, url, content=content, headers=sent)
        except httpx.TransportError as error:
            raise IssuerUnreachable(
                f"no answer from {self._issuer} ({type(error).__name__})",
                cure="Check the address and the network",
            ) from error

    def _learn(self, response: httpx.Response) -> bool:
        """Whether the answer taught something that makes another try worth while."""
        session = self._login.session
        moved = session.clock.learn(response.headers.get("Date"))
        nonce = response.headers.get("DPoP-Nonce")
        if nonce is None:
            return moved
        session.nonce = nonce
        return True

    def _read(self, response: httpx.Response) -> dict[str, Any]:
        try:
            found = response.json()
        except ValueError:
            found = None
        if not isinstance(found, dict):
            raise IssuerAnswerInvalid("the issuer answered without JSON", cure="Check the issuer's address")
        if response.status_code >= 400:
            raise self._refusal(response, found)
        return found

    def _refusal(self, response: httpx.Response, found: Mapping[str, Any]) -> IssuerRefused:
        kind, detail = str(found.get("type", "")), str(found.get("detail", "refused"))
        code = kind.rpartition("#")[2] or "error"
        after = _retry.parse_retry_after(
            response.headers.get("Retry-After"), now=self._login.session.clock.now()
        )
        raised = IssuerBusy if response.status_code in _retry.BUSY else ManagementRefused
        refusal = raised(code, detail, status=response.status_code, error_uri=kind, retry_after=after)
        refusal.cure = CURES.get(code, refusal.cure)
        return refusal
