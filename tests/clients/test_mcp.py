"""The MCP SDKs at a server of theirs that we protect: discovered, known openly or by document, a tool called."""

import asyncio
import sys
from collections.abc import Iterator
from contextlib import AsyncExitStack
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs, urlsplit

import httpx
import pytest
from mcp import ClientSession
from mcp.client.auth import AuthorizationCodeResult, OAuthClientProvider
from mcp.client.streamable_http import create_mcp_http_client, streamable_http_client
from mcp.shared.auth import OAuthClientMetadata

from tests.clients.conftest import REDIRECT, Place
from tests.clients.node import Script
from tests.clients.person import allow
from tests.processes import clean_environment, free_port, started, wait_until_answers
from tests.residents import SCOPE

pytestmark = pytest.mark.services

CLIENT = {
    "redirect_uris": [REDIRECT], "grant_types": ["authorization_code", "refresh_token"],
    "response_types": ["code"], "token_endpoint_auth_method": "none",
}  # fmt: skip
# A client that registered openly has no account: what its person has proven counts, here an address alone.
# The SDKs know Bearer tokens only.
SERVICE = """
from foundation import clock
from passport.services.registration import ScopeSpec, create_service

service, secret = create_service(
    account_id=None, name="Calculator", audience={audience!r}, environment="sandbox",
    scopes=[ScopeSpec({scope!r}, "Use the calculator", "email", "none")], issuer_scopes=[],
    actor="system:tests", now=clock.now(), dpop_bound_access_tokens_required=False,
)
print("SERVICE", service.id, secret)
"""


@dataclass(frozen=True)
class Protected:
    """The MCP server."""

    url: str


@pytest.fixture(scope="module")
def protected(place: Place, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Protected]:
    port = free_port()
    url = f"http://127.0.0.1:{port}/mcp"
    done = place.server.manage("shell", "-v0", "-c", SERVICE.format(audience=url, scope=SCOPE))
    assert done.returncode == 0, done.stderr[-2000:]
    (words,) = [line.split() for line in done.stdout.splitlines() if line.startswith("SERVICE ")]
    program = [sys.executable, str(Path(__file__).parent / "tools.py")]
    command = [*program, place.server.issuer, str(port), words[1], words[2], SCOPE]
    log = tmp_path_factory.mktemp("mcp") / "mcp.log"
    with started(command, clean_environment(), log) as process:
        wait_until_answers(url, process)
        yield Protected(url)


@pytest.fixture
def document(place: Place) -> Iterator[str]:
    """The metadata document of a client that registers nowhere: its URL is its id."""
    url = place.site.url("/tool/client.json")
    place.site.pages["/tool/client.json"] = {**CLIENT, "client_id": url, "client_name": "A published tool"}
    place.site.asked.clear()
    yield url
    del place.site.pages["/tool/client.json"]


def test_the_typescript_sdk_registers_and_calls_a_tool(place: Place, protected: Protected) -> None:
    said = call_by_typescript(place, resource=protected.url)
    assert said.pop("client").startswith("client_")
    assert said == {"text": "42", "tokenType": "Bearer", "refreshes": True}


def test_the_typescript_sdk_is_known_by_its_document(
    place: Place, protected: Protected, document: str
) -> None:
    said = call_by_typescript(place, resource=protected.url, document=document)
    assert said == {"client": document, "text": "42", "tokenType": "Bearer", "refreshes": True}


def call_by_typescript(place: Place, **told: str) -> dict[str, Any]:
    with Script("mcp_client.mjs", place.told(**told)) as client:
        client.tell({"back": allow(client.hear()["open"], place.cookie)})
        return client.hear()


class Memory:
    """Where the SDK keeps what it got."""

    def __init__(self) -> None:
        self.kept: dict[str, Any] = {}

    async def get_tokens(self) -> Any:
        return self.kept.get("tokens")

    async def set_tokens(self, tokens: Any) -> None:
        self.kept["tokens"] = tokens

    async def get_client_info(self) -> Any:
        return self.kept.get("client")

    async def set_client_info(self, client_info: Any) -> None:
        self.kept["client"] = client_info


async def call_tool(place: Place, url: str, memory: Memory, document: str | None = None) -> Any:
    answers: list[str] = []

    async def open_page(page: str) -> None:
        answers.append(await asyncio.to_thread(allow, page, place.cookie))

    async def answer() -> AuthorizationCodeResult:
        said = {name: values[0] for name, values in parse_qs(urlsplit(answers.pop()).query).items()}
        return AuthorizationCodeResult(code=said["code"], state=said["state"], iss=said["iss"])

    wanted = OAuthClientMetadata.model_validate({**CLIENT, "client_name": "Another tool of Alice"})
    provider = OAuthClientProvider(url, wanted, memory, open_page, answer, client_metadata_url=document)
    async with AsyncExitStack() as stack:
        client = await stack.enter_async_context(create_mcp_http_client(auth=provider))
        streams = await stack.enter_async_context(streamable_http_client(url, http_client=client))
        session = await stack.enter_async_context(ClientSession(streams[0], streams[1]))
        await session.initialize()
        return await session.call_tool("add", {"a": 20, "b": 22})


def test_the_python_sdk_registers_and_calls_a_tool(place: Place, protected: Protected) -> None:
    memory = Memory()
    answer = asyncio.run(call_tool(place, protected.url, memory))
    assert answer.content[0].text == "42"
    assert memory.kept["tokens"].token_type == "Bearer"
    assert memory.kept["client"].client_id.startswith("client_")


def test_the_python_sdk_is_known_by_its_document(place: Place, protected: Protected, document: str) -> None:
    memory = Memory()
    answer = asyncio.run(call_tool(place, protected.url, memory, document))
    assert answer.content[0].text == "42"
    assert memory.kept["client"].client_id == document
    assert set(place.site.asked) <= {"/tool/client.json"}


def test_without_a_token_it_says_where_to_get_one(place: Place, protected: Protected) -> None:
    refused = httpx.post(protected.url, json={}, headers={"Accept": "application/json, text/event-stream"})
    assert refused.status_code == 401
    challenge = refused.headers["WWW-Authenticate"]
    assert "resource_metadata=" in challenge
    document = httpx.get(challenge.split('resource_metadata="')[1].split('"')[0]).json()
    assert document["resource"] == protected.url
    assert [server.rstrip("/") for server in document["authorization_servers"]] == [place.server.issuer]
