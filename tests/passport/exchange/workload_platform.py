"""A platform that vouches for workloads, as a real https server: it publishes keys and mints tokens."""

import json
import secrets
import threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

from foundation import clock
from tests.cast import ISSUER
from tests.foundation.outbound.authority import Authority
from tests.passport.crafting import ALICE, RSA, TestKey, jws

GITHUB_SUBJECT = "repo:alice/reader:ref:refs/heads/main"
KUBERNETES_SUBJECT = "system:serviceaccount:agents:reader"
SPIFFE_SUBJECT = "spiffe://alice.example/agents/reader"


class Platform:
    """``published`` are the keys that it shows; ``documents`` replace what a path answers."""

    def __init__(self, folder: Path) -> None:
        self.authority = Authority(folder)
        self.published: list[TestKey] = [RSA, ALICE]
        self.documents: dict[str, Any] = {}
        self.asked: list[str] = []
        self.server = ThreadingHTTPServer(("127.0.0.1", 0), self._handler())
        self.server.socket = self.authority.server("127.0.0.1").wrap_socket(
            self.server.socket, server_side=True
        )
        self.host = f"127.0.0.1:{self.server.server_port}"
        self.issuer = f"https://{self.host}"
        threading.Thread(target=self.server.serve_forever, daemon=True).start()

    def close(self) -> None:
        self.server.shutdown()
        self.server.server_close()

    def github(self, **claims: Any) -> str:
        """As Actions mints it for `id-token: write`."""
        shape = {
            "sub": GITHUB_SUBJECT, "ref": "refs/heads/main", "repository": "alice/reader",
            "repository_owner": "alice", "workflow": "read", "event_name": "push", "runner_environment": "github-hosted",
            "jti": secrets.token_hex(16), "nbf": self._now() - 300,
        }  # fmt: skip
        return self.mint({"typ": "JWT"}, RSA, shape | claims)

    def kubernetes(self, **claims: Any) -> str:
        """As the API server mints it for a projected volume: ``aud`` is a list, ``typ`` absent."""
        shape = {
            "aud": [ISSUER], "sub": KUBERNETES_SUBJECT, "nbf": self._now(), "exp": self._now() + 3607,
            "kubernetes.io": {"namespace": "agents", "serviceaccount": {"name": "reader", "uid": "b2"}},
        }  # fmt: skip
        return self.mint({}, RSA, shape | claims)

    def spiffe(self, **claims: Any) -> str:
        """A JWT-SVID: no ``jti``, ES256."""
        return self.mint({"typ": "JOSE"}, ALICE, {"aud": [ISSUER], "sub": SPIFFE_SUBJECT} | claims)

    def mint(self, header: dict[str, Any], key: TestKey, claims: dict[str, Any]) -> str:
        """None leaves a claim out."""
        now = self._now()
        laid = {"iss": self.issuer, "aud": ISSUER, "iat": now, "exp": now + 300} | claims
        kept = {name: value for name, value in laid.items() if value is not None}
        return jws(key, kept, header={"kid": key.thumbprint} | header)

    def _now(self) -> int:
        return int(clock.now().timestamp())

    def _answer(self, path: str) -> Any:
        if path in self.documents:
            return self.documents[path]
        if path == "/.well-known/openid-configuration":
            return {
                "issuer": self.issuer,
                "jwks_uri": f"{self.issuer}/keys",
                "id_token_signing_alg_values_supported": ["RS256"],
            }
        if path == "/keys":
            return {
                "keys": [
                    key.jwk | {"kid": key.thumbprint, "alg": key.alg, "use": "sig"} for key in self.published
                ]
            }
        return None

    def _handler(self) -> type[BaseHTTPRequestHandler]:
        platform = self

        class Handler(BaseHTTPRequestHandler):
            def do_GET(self) -> None:
                platform.asked.append(self.path)
                said = platform._answer(self.path)
                body = json.dumps(said).encode()
                self.send_response(404 if said is None else 200)
                self.send_header("Content-Type", "application/json")
                self.send_header("Content-Length", str(len(body)))
                self.end_headers()
                self.wfile.write(body)

            def log_message(self, *args: Any) -> None:
                pass

        return Handler
