"""The OpenAPI documents say all that is routed, and nothing else."""

import importlib
import re

import pytest
import yaml
from django.test import Client
from django.urls import URLPattern, reverse

from passport.api.descriptions import FOLDER, NAMES
from tests.cast import ISSUER

DOORS = (
    "passport.oauth.urls", "passport.decisions.urls", "passport.events.urls", "passport.api.urls",
    "foundation.web.urls", "attestation.inbox.urls",
)  # fmt: skip
PAGES = {"/device"}
"""For people in a browser: no interface for machines."""


def routed() -> set[str]:
    found = set()
    for door in DOORS:
        for pattern in importlib.import_module(door).urlpatterns:
            assert isinstance(pattern, URLPattern), f"{door} includes others: name them in DOORS"
            found.add("/" + re.sub(r"<(?:\w+:)?(\w+)>", r"{\1}", str(pattern.pattern)))
    return {path for path in found if path.rstrip("/") not in PAGES}


def described() -> dict[str, dict]:
    return {
        path: operations
        for name in NAMES
        for path, operations in yaml.safe_load((FOLDER / f"{name}.yaml").read_text())["paths"].items()
    }


def test_every_route_is_described_and_every_description_is_routed() -> None:
    assert routed() ^ set(described()) == set()


@pytest.mark.parametrize("name", NAMES)
def test_each_document_is_served_with_this_server_in_it(name) -> None:
    response = Client().get(reverse(f"openapi-{name}"))
    assert (response.status_code, response["Content-Type"]) == (200, "application/yaml")
    document = yaml.safe_load(response.content)
    assert document["servers"] == [{"url": ISSUER}]
    assert b"passport.example" not in response.content


def test_operations_have_names_of_their_own() -> None:
    """A path may also hold parameters that all of its operations share."""
    names = [
        operation["operationId"]
        for one in described().values()
        for method, operation in one.items()
        if method != "parameters"
    ]
    assert len(names) == len(set(names))


def test_a_method_that_is_not_described_is_refused(db) -> None:
    for path, operations in described().items():
        url = re.sub(r"{\w+}", "7", path)
        for method in {"get", "post", "put", "delete", "patch"} - set(operations):
            response = Client().generic(method.upper(), url)
            assert response.status_code in {404, 405}, (method, path, response.status_code)
