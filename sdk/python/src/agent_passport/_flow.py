"""Protocol steps without I/O, and the two drivers that carry them out.

A flow is a generator: it yields what it wants done (send this, wait so long) and is given the
answer. So each step of the protocol is written, and tested, once for threads and for asyncio.
"""

import asyncio
from collections.abc import Generator, Mapping
from dataclasses import dataclass, field
from time import sleep
from typing import TypeVar
from urllib.parse import urlsplit

import httpx

from agent_passport._errors import ConfigurationError, IssuerUnreachable

Result = TypeVar("Result")
BODY_BYTES = 1024 * 1024
"""No answer of the token endpoint comes near; a larger one is not read to its end."""


@dataclass(frozen=True, slots=True)
class Send:
    method: str
    url: str
    headers: Mapping[str, str] = field(default_factory=dict)
    form: Mapping[str, str] | None = None


@dataclass(frozen=True, slots=True)
class Wait:
    seconds: float


@dataclass(frozen=True, slots=True)
class Answer:
    status: int
    headers: httpx.Headers
    body: bytes


Step = Send | Wait
Flow = Generator[Step, "Answer | None", Result]


def run(flow: Flow[Result], client: httpx.Client) -> Result:
    """Carry out a flow in this thread. Raises what the flow raises."""
    answer: Answer | None = None
    failure: IssuerUnreachable | None = None
    while True:
        try:
            step = flow.throw(failure) if failure else flow.send(answer)
        except StopIteration as stop:
            return stop.value  # type: ignore[no-any-return]
        answer = failure = None
        if isinstance(step, Wait):
            sleep(step.seconds)
            continue
        try:
            answer = _send(step, client)
        except httpx.TransportError as error:
            failure = _unreachable(step, error)


async def arun(flow: Flow[Result], client: httpx.AsyncClient) -> Result:
    """Carry out a flow in the running event loop. Raises what the flow raises."""
    answer: Answer | None = None
    failure: IssuerUnreachable | None = None
    while True:
        try:
            step = flow.throw(failure) if failure else flow.send(answer)
        except StopIteration as stop:
            return stop.value  # type: ignore[no-any-return]
        answer = failure = None
        if isinstance(step, Wait):
            await asyncio.sleep(step.seconds)
            continue
        try:
            answer = await _asend(step, client)
        except httpx.TransportError as error:
            failure = _unreachable(step, error)


def _send(step: Send, client: httpx.Client) -> Answer:
    with client.stream(step.method, step.url, headers=dict(step.headers), data=step.form) as response:
        body = b""
        for chunk in response.iter_bytes():
            body = _append(body, chunk)
        return Answer(response.status_code, response.headers, body)


async def _asend(step: Send, client: httpx.AsyncClient) -> Answer:
    async with client.stream(step.method, step.url, headers=dict(step.headers), data=step.form) as response:
        body = b""
        async for chunk in response.aiter_bytes():
            body = _append(body, chunk)
        return Answer(response.status_code, response.headers, body)


def _append(body: bytes, chunk: bytes) -> bytes:
    if len(body) + len(chunk) > BODY_BYTES:
        raise httpx.RemoteProtocolError("the answer is too long")
    return body + chunk


def _unreachable(step: Send, error: httpx.TransportError) -> IssuerUnreachable:
    origin = "{0.scheme}://{0.netloc}".format(urlsplit(step.url))
    return IssuerUnreachable(
        f"no answer from {origin} ({type(error).__name__})",
        cure="Check the address, the network and a proxy: agent-passport doctor",
    )


def check_issuer(issuer: str) -> str:
    """The issuer as it stands in ``iss``. Raises ConfigurationError.

    Plain http is for a server on this machine: elsewhere tokens would travel readable.
    """
    parts = urlsplit(issuer)
    local = parts.hostname in ("127.0.0.1", "::1", "localhost")
    if not parts.hostname or parts.query or parts.fragment or "@" in parts.netloc or issuer.endswith("/"):
        raise ConfigurationError(
            "the issuer is no plain URL",
            cure="Give it as it stands in the metadata, without a slash at the end",
        )
    if parts.scheme != "https" and not (parts.scheme == "http" and local):
        raise ConfigurationError("the issuer is not reached over https", cure="Use its https address")
    return issuer
