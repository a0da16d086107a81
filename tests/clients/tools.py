"""An MCP server protected by Agent Passport: one tool, tokens looked at by introspection.

python tests/clients/tools.py ISSUER PORT CLIENT_ID CLIENT_SECRET SCOPE
"""

import sys

import httpx
import uvicorn
from mcp.server import MCPServer
from mcp.server.auth.provider import AccessToken
from mcp.server.auth.settings import AuthSettings


class Introspection:
    """The verifier that the SDK asks for each request."""

    def __init__(self, issuer: str, client_id: str, secret: str) -> None:
        self.url = f"{issuer}/oauth/introspect"
        self.credentials = (client_id, secret)

    async def verify_token(self, token: str) -> AccessToken | None:
        async with httpx.AsyncClient(timeout=30) as client:
            answer = await client.post(self.url, data={"token": token}, auth=self.credentials)
        said = answer.json()
        if not said.get("active"):
            return None
        return AccessToken(
            token=token, client_id=said["client_id"], scopes=said["scope"].split(), expires_at=said["exp"],
            resource=said["aud"], subject=said["sub"],
        )  # fmt: skip


def main(issuer: str, port: str, client_id: str, secret: str, scope: str) -> None:
    url = f"http://127.0.0.1:{port}/mcp"
    server = MCPServer(
        "Calculator",
        token_verifier=Introspection(issuer, client_id, secret),
        auth=AuthSettings(
            issuer_url=issuer,
            resource_server_url=url,
            required_scopes=[scope],
            validate_token_resource=True,
        ),
    )

    @server.tool()
    def add(a: int, b: int) -> int:
        """Add two numbers."""
        return a + b

    uvicorn.run(server.streamable_http_app(), host="127.0.0.1", port=int(port), log_level="warning")


if __name__ == "__main__":
    main(*sys.argv[1:])
