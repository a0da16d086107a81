"""Requests that a service must refuse, each broken in one way, with the answer that it must give."""

import base64
import json
from collections.abc import Callable, Iterator
from typing import Any

from agent_passport import AgentKey

Make = Callable[..., str]


def encode(data: bytes) -> str:
    return base64.urlsafe_b64encode(data).rstrip(b"=").decode()


def decode(part: str) -> dict[str, Any]:
    return dict(json.loads(base64.urlsafe_b64decode(part + "=" * (-len(part) % 4))))


def forge(token: str, *, header: dict[str, Any] | None = None, claims: dict[str, Any] | None = None) -> str:
    """The token with other members and the old signature."""
    head, body, signature = token.split(".")
    new_head = encode(json.dumps({**decode(head), **(header or {})}).encode())
    new_body = encode(json.dumps({**decode(body), **(claims or {})}).encode())
    return ".".join((new_head, new_body, signature))


def variants(token: str, proof: Make, stranger: AgentKey) -> Iterator[tuple[str, dict[str, str], str]]:
    """What is wrong, the headers, and the error of ``WWW-Authenticate``.

    ``proof(key=None, **claims)`` makes a good proof for the request, by another key or with other claims.
    """
    yield "no token at all", {}, ""
    yield "the token as Bearer", {"Authorization": f"Bearer {token}"}, "invalid_token"
    yield "no proof", {"Authorization": f"DPoP {token}"}, "invalid_token"
    for what, broken in (
        ("another signature", token[:-6] + ("AAAAAA" if not token.endswith("AAAAAA") else "BBBBBB")),
        ("typ of a passport", forge(token, header={"typ": "agent-passport+jwt"})),
        ("another issuer", forge(token, claims={"iss": "https://other.example"})),
        ("another audience", forge(token, claims={"aud": "https://other.example"})),
        ("a later expiry", forge(token, claims={"exp": 4102444800})),
        ("alg none", forge(token, header={"alg": "none"})),
    ):
        yield what, {"Authorization": f"DPoP {broken}", "DPoP": proof(ath=broken)}, "invalid_token"
    yield (
        "a proof by another key",
        {"Authorization": f"DPoP {token}", "DPoP": proof(key=stranger)},
        "invalid_token",
    )
    for what, claims in (
        ("a proof for another method", {"htm": "PUT"}),
        ("a proof for another path", {"htu": "http://127.0.0.1/other"}),
        ("a proof without ath", {"ath": None}),
    ):
        yield what, {"Authorization": f"DPoP {token}", "DPoP": proof(**claims)}, "invalid_dpop_proof"
    late = {"Authorization": f"DPoP {token}", "DPoP": proof(iat=-3600)}
    yield "a proof of an hour ago", late, "use_dpop_nonce"
