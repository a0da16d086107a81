"""oauth4webapi, jose and openid-client against the running server, in programs beside this file."""

import pytest

from tests.clients.conftest import Place
from tests.clients.node import Script
from tests.clients.person import allow
from tests.residents import SCOPE

pytestmark = pytest.mark.services


def test_oauth4webapi_and_jose_get_verify_look_at_and_end_tokens_bound_to_a_key(place: Place) -> None:
    with Script("low_level.mjs", place.told()) as client:
        said = client.hear()
        assert said.pop("kid")
        assert said == {
            "nonceAsked": 1,
            "tokenType": "dpop",
            "scope": SCOPE,
            "verifiedClient": place.residents.agent_id,
            "active": True,
            "bound": True,
            "signedActive": True,
            "acceptedClient": place.residents.agent_id,
            "activeAfterRevocation": False,
        }
        client.tell({"back": allow(client.hear()["open"], place.cookie)})
        assert client.hear() == {
            "tokenType": "dpop",
            "scope": SCOPE,
            "rotated": True,
            "bound": True,
            "client": place.residents.agent_id,
            "actor": place.residents.agent_id,
        }


def test_openid_client_gets_looks_at_and_ends_tokens_bound_to_a_key(place: Place) -> None:
    with Script("high_level.mjs", place.told()) as client:
        assert client.hear() == {
            "nonceAsked": 1, "tokenType": "dpop", "scope": SCOPE, "active": True, "activeAfterRevocation": False,
        }  # fmt: skip
        client.tell({"back": allow(client.hear()["open"], place.cookie)})
        assert client.hear() == {"tokenType": "dpop", "scope": SCOPE, "rotated": True}
