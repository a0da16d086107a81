"""Every code that the token endpoint answers with is one for which an agent has a class."""

import json
from collections.abc import Iterator
from pathlib import Path

from passport.errors import OAuthError
from tests.vectors.errors import CLASSES

ERRORS = json.loads((Path(__file__).parents[1] / "vectors" / "errors.json").read_text())
DEVICE = {"authorization_pending", "slow_down", "expired_token"}
OF_OTHER_DOORS = {
    "invalid_token",
    "unsupported_token_type",
    "invalid_client_metadata",
    "invalid_redirect_uri",
}
OF_OTHER_DOORS |= {"unapproved_software_statement", "insufficient_scope", "unsupported_response_type"}


def codes(kind: type[OAuthError] = OAuthError) -> Iterator[str]:
    for each in kind.__subclasses__():
        yield each.code
        yield from codes(each)


def test_the_errors_of_the_vectors_are_those_of_the_server() -> None:
    assert set(codes()) - DEVICE - OF_OTHER_DOORS <= CLASSES.keys()
    assert CLASSES.keys() <= set(codes())
    assert CLASSES.keys() <= {case["code"] for case in ERRORS["cases"]}
