"""One real server for the clients of this folder, with Alice's agent, two services and her browser's session."""

from collections.abc import Iterator
from contextlib import ExitStack
from dataclasses import dataclass
from typing import Any

import pytest

from tests.foundation.outbound.site import Site, open_site
from tests.processes import Embedded, embedded_server
from tests.residents import Residents, settle, wait_until_known

REDIRECT = "http://127.0.0.1:9/cb"
"""Nobody listens there: the test takes the answer from the redirect."""
SIGN_IN = """
from django.conf import settings
from passport.agents.models import Agent
from tests.cast import Actor
from tests.passport.oauth.consenting import let_ask
from tests.people import browser, person

agent = Agent.objects.get(client_id={agent!r})
let_ask(Actor(agent, None, agent.account), {redirect!r}, application_type="native")
print("COOKIE " + browser(person("alice@people.example")).cookies[settings.SESSION_COOKIE_NAME].value)
"""


@dataclass(frozen=True)
class Place:
    server: Embedded
    residents: Residents
    cookie: str
    """Of Alice's session."""
    site: Site
    """Where clients that register nowhere publish their metadata documents."""

    def told(self, **more: Any) -> dict[str, Any]:
        """What a client program needs to know."""
        return {"issuer": self.server.issuer, "redirect": REDIRECT, **self.residents.as_json(), **more}


@pytest.fixture(scope="package")
def place(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Place]:
    with ExitStack() as stack:
        site = stack.enter_context(open_site(tmp_path_factory.mktemp("site")))
        trusting = {"AP_OUTBOUND_CA_FILE": str(site.ca_file), "AP_OUTBOUND_PRIVATE_HOSTS": site.host}
        server = stack.enter_context(embedded_server(tmp_path_factory.mktemp("clients"), **trusting))
        residents = settle(server.manage)
        program = SIGN_IN.format(agent=residents.agent_id, redirect=REDIRECT)
        done = server.manage("shell", "-v0", "-c", program)
        assert done.returncode == 0, done.stderr[-2000:]
        (cookie,) = [line[7:] for line in done.stdout.splitlines() if line.startswith("COOKIE ")]
        wait_until_known(server.issuer, residents, issuer=server.issuer)
        yield Place(server, residents, cookie, site)
