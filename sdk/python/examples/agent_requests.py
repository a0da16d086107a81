"""The same agent with requests.

    pip install "agent-passport[requests]"
    AGENT_PASSPORT_ISSUER=… AGENT_PASSPORT_CLIENT_ID=… AGENT_PASSPORT_KEY=… \\
    SERVICE_AUDIENCE=… SERVICE_URL=http://127.0.0.1:8800 python agent_requests.py
"""

import os

import requests

from agent_passport import Agent, RequestsAuth


def main() -> None:
    service, audience = os.environ["SERVICE_URL"], os.environ["SERVICE_AUDIENCE"]
    with requests.Session() as session:
        session.auth = RequestsAuth(Agent.from_environment(), audience, "echo:read model:infer")
        for response in (
            session.get(f"{service}/echo", timeout=30),
            session.post(f"{service}/infer", json={"prompt": "olleh"}, timeout=30),
        ):
            print(response.status_code, response.text, response.headers.get("RateLimit", ""))


if __name__ == "__main__":
    main()
