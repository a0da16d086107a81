"""A small service that lets agents in: `GET /echo` for `echo:read`, `POST /infer` for `model:infer`.

    uvicorn and fastapi are needed: pip install "agent-passport[service]"
    AGENT_PASSPORT_ISSUER=… SERVICE_AUDIENCE=… SERVICE_CLIENT_ID=… SERVICE_CLIENT_SECRET=… python service.py

Also read: PORT (8800), SERVICE_URL (where agents reach it), SERVICE_STATE (a folder, so that it can
start while the issuer is away), SERVICE_OUTAGE (ttl, or exp to go on longer without the issuer).
"""

import os
from typing import Any

import uvicorn
from fastapi import FastAPI, Request

from agent_passport import ASGIMiddleware, Verified, Verifier

PORT = int(os.environ.get("PORT", "8800"))

verifier = Verifier(
    os.environ["AGENT_PASSPORT_ISSUER"],
    os.environ["SERVICE_AUDIENCE"],
    base_url=os.environ.get("SERVICE_URL", f"http://127.0.0.1:{PORT}"),
    client_id=os.environ["SERVICE_CLIENT_ID"],
    client_secret=os.environ["SERVICE_CLIENT_SECRET"],
    state=os.environ.get("SERVICE_STATE"),
    outage="exp" if os.environ.get("SERVICE_OUTAGE") == "exp" else "ttl",
)
api = FastAPI(title="Example service")


@api.get("/readyz")
async def readyz() -> dict[str, bool]:
    return {"ready": verifier.is_ready, "live": verifier.is_live}


@api.get("/echo")
async def echo(request: Request, say: str = "hello") -> dict[str, Any]:
    caller: Verified = request.scope["agent_passport"]
    return {"say": say, "agent": caller.agent, "account": caller.account}


@api.post("/infer")
async def infer(request: Request) -> dict[str, Any]:
    prompt = str((await request.json()).get("prompt", ""))
    return {"completion": prompt[::-1], "units": 1}


app = ASGIMiddleware(
    api,
    verifier,
    {"GET /echo": "echo:read", "POST /infer": "model:infer"},
    open_paths={"/readyz"},
)

if __name__ == "__main__":
    uvicorn.run(app, host="127.0.0.1", port=PORT, log_level="warning")
