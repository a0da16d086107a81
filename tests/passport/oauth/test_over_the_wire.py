"""Documents and keys fetched in earnest: https, a certificate that is checked, a host the operator named."""

import json
import threading
from collections.abc import Iterator
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import pytest

from passport.agents.clients import find_client
from passport.agents.models import AgentKey
from passport.agents.registration import retire_key
from tests.cast import Key, hire, open_account
from tests.foundation.outbound.authority import Authority


@dataclass
class Site:
    """A host of the operator's own network."""

    port: int
    pages: dict[str, Any] = field(default_factory=dict)
    asked: list[str] = field(default_factory=list)

    def url(self, path: str) -> str:
        return f"https://localhost:{self.port}{path}"


@pytest.fixture
def site(tmp_path: Path, settings: Any) -> Iterator[Site]:
    authority = Authority(tmp_path)

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            here.asked.append(self.path)
            page = here.pages.get(self.path)
            body = json.dumps(page).encode()
            self.send_response(404 if page is None else 200)
            self.send_header("Content-Type", "application/json")
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, *arguments: Any) -> None:
            """Silent."""

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    server.socket = authority.server("localhost").wrap_socket(server.socket, server_side=True)
    here = Site(server.server_port)
    settings.OUTBOUND_CA_FILE = str(authority.file)
    settings.OUTBOUND_PRIVATE_HOSTS = [f"localhost:{here.port}"]
    threading.Thread(target=server.serve_forever, daemon=True).start()
    yield here
    server.shutdown()
    server.server_close()


def test_a_client_is_known_by_its_document(db: None, site: Site) -> None:
    url = site.url("/client.json")
    site.pages["/client.json"] = {
        "client_id": url, "client_name": "Notebook", "redirect_uris": ["http://127.0.0.1/cb"], "token_endpoint_auth_method": "none",
    }  # fmt: skip
    client = find_client(url)
    assert client is not None
    assert (client.kind, client.name) == ("document", "Notebook")
    assert find_client(url) == client
    assert site.asked == ["/client.json"]


def test_an_agent_is_known_by_the_keys_it_publishes(endpoint: Any, site: Site) -> None:
    scout = hire(open_account("alice"), "scout")
    retire_key(scout.row, actor="user:usr_alice", now=scout.row.created_at)
    published = Key()
    site.pages["/jwks.json"] = {"keys": [{**published.jwk, "kid": "2026-11"}]}
    scout.agent.jwks_uri = site.url("/jwks.json")
    scout.agent.save()
    form = {
        "grant_type": "client_credentials",
        "requested_token_type": "urn:agent-passport:token-type:passport",
        "client_assertion_type": "urn:ietf:params:oauth:client-assertion-type:jwt-bearer",
        "client_assertion": published.assertion(scout.id),
    }
    answer = endpoint.post(form, proof=published.proof())
    assert answer.json()["error"] == "invalid_scope", "known, in good standing, and granted nothing yet"
    assert AgentKey.objects.get(thumbprint=published.thumbprint).fetched


def test_a_host_that_nobody_named_is_not_asked(db: None, site: Site, settings: Any) -> None:
    settings.OUTBOUND_PRIVATE_HOSTS = []
    assert find_client(site.url("/client.json")) is None
    assert site.asked == []
