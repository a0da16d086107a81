"""Documents and keys fetched in earnest: https, a certificate that is checked, a host the operator named."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from passport.agents.clients import find_client
from passport.agents.models import AgentKey
from passport.agents.registration import retire_key
from tests.cast import Key, hire, open_account
from tests.foundation.outbound.site import Site, open_site


@pytest.fixture
def site(tmp_path: Path, settings: Any) -> Iterator[Site]:
    with open_site(tmp_path) as here:
        settings.OUTBOUND_CA_FILE = str(here.ca_file)
        settings.OUTBOUND_PRIVATE_HOSTS = [here.host]
        yield here


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
