"""An agent that calls the example service.

    AGENT_PASSPORT_ISSUER=… AGENT_PASSPORT_CLIENT_ID=… AGENT_PASSPORT_KEY=… \\
    SERVICE_AUDIENCE=… SERVICE_URL=http://127.0.0.1:8800 python agent.py
"""

import os

import httpx

from agent_passport import Agent, AgentAuth


def main() -> None:
    service, audience = os.environ["SERVICE_URL"], os.environ["SERVICE_AUDIENCE"]
    auth = AgentAuth(Agent.from_environment(), audience, "echo:read model:infer")
    with httpx.Client(auth=auth, base_url=service) as client:
        for response in (client.get("/echo"), client.post("/infer", json={"prompt": "olleh"})):
            print(response.status_code, response.text, response.headers.get("RateLimit", ""))


if __name__ == "__main__":
    main()
