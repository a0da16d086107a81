"""The same authentication for httpx2, which the MCP Python SDK calls with.

``pip install "agent-passport[mcp]"``
"""

from typing import ClassVar

import httpx2

from agent_passport._auth import BoundFlows

__all__ = ["AgentAuth"]


class AgentAuth(BoundFlows, httpx2.Auth):  # type: ignore[misc]
    """``create_mcp_http_client(auth=AgentAuth(agent, audience, scope))``; as ``agent_passport.AgentAuth``."""

    repeatable: ClassVar[type] = httpx2.ByteStream
