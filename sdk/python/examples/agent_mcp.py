"""An agent that calls a tool of the protected MCP server beside this file.

    pip install "agent-passport[mcp]"
    AGENT_PASSPORT_ISSUER=… AGENT_PASSPORT_CLIENT_ID=… AGENT_PASSPORT_KEY=… \\
    SERVICE_AUDIENCE=… SERVICE_URL=http://127.0.0.1:8801 python agent_mcp.py
"""

import asyncio
import os

from mcp import ClientSession
from mcp.client.streamable_http import create_mcp_http_client, streamable_http_client

from agent_passport import Agent
from agent_passport.httpx2 import AgentAuth


async def main() -> None:
    auth = AgentAuth(Agent.from_environment(), os.environ["SERVICE_AUDIENCE"], "echo:read")
    async with (
        create_mcp_http_client(auth=auth) as client,
        streamable_http_client(f"{os.environ['SERVICE_URL']}/mcp", http_client=client) as streams,
        ClientSession(streams[0], streams[1]) as session,
    ):
        await session.initialize()
        answer = await session.call_tool("add", {"a": 20, "b": 22})
        print(answer.content[0].text)
        print((await session.call_tool("who_calls", {})).content[0].text)


if __name__ == "__main__":
    asyncio.run(main())
