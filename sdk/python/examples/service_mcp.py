"""An MCP server that lets agents in: whoever has `echo:read` may use its tools.

    pip install "agent-passport[mcp]"
    AGENT_PASSPORT_ISSUER=… SERVICE_AUDIENCE=… \\
    SERVICE_CLIENT_ID=… SERVICE_CLIENT_SECRET=… python service_mcp.py

Also read: PORT (8801), SERVICE_URL (where agents reach it).
"""

import os

import uvicorn
from mcp.server import MCPServer
from mcp.server.mcpserver import Context

from agent_passport import ASGIMiddleware, Verifier

PORT = int(os.environ.get("PORT", "8801"))

verifier = Verifier(
    os.environ["AGENT_PASSPORT_ISSUER"],
    os.environ["SERVICE_AUDIENCE"],
    base_url=os.environ.get("SERVICE_URL", f"http://127.0.0.1:{PORT}"),
    client_id=os.environ["SERVICE_CLIENT_ID"],
    client_secret=os.environ["SERVICE_CLIENT_SECRET"],
)
server = MCPServer("Calculator")


@server.tool()
def add(a: int, b: int) -> int:
    """Add two numbers."""
    return a + b


@server.tool()
def who_calls(context: Context) -> str:
    """Which agent calls, as the verifier read it from the token."""
    request = context.request_context.request
    return str(request.scope["agent_passport"].agent)


app = ASGIMiddleware(
    server.streamable_http_app(),
    verifier,
    {f"{method} /mcp": "echo:read" for method in ("POST", "GET", "DELETE")},
)

if __name__ == "__main__":
    uvicorn.run(app, host="127.0.0.1", port=PORT, log_level="warning")
