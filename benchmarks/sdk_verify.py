"""CPU of the SDK's offline verification, beside PyJWT and the bare cryptography, interleaved in one run.

    python -m benchmarks.sdk_verify [rounds] [Ed25519 or P-256, the key of the agent]

``first``: a token never seen. ``repeated``: its signature is remembered, the proof is new. ``token``
and ``proof`` are one signature check each, with ``cryptography`` alone. ``unbound`` is a token seen
before without a proof, with status and scope; ``pyjwt`` decodes one token: signature, issuer, audience, end.
"""

import json
import sys
import time
from collections.abc import Callable
from statistics import median

import jwt

from agent_passport import AgentKey, MemoryReplay, Verified, Verifier, _jws
from agent_passport._dpop import make_proof
from agent_passport._jwk import parse_public
from agent_passport._keys import Kind
from tests.sdk.fake_issuer import FakeIssuer

AUDIENCE = "https://infer.example"
BATCH = 50


def timed(work: Callable[[], object]) -> float:
    """Microseconds of CPU."""
    started = time.process_time_ns()
    work()
    return (time.process_time_ns() - started) / 1000


def main(rounds: int, kind: Kind) -> dict[str, float]:
    issuer, key = FakeIssuer(), AgentKey.generate(kind)
    replay = MemoryReplay()
    replay.complete_since = None
    verifier = Verifier(issuer.url, AUDIENCE, limits=False, replay=replay, outage="exp")
    open_to_all = Verifier(issuer.url, AUDIENCE, limits=False, outage="exp", require_proof=False)
    unbound = [("Authorization", f"Bearer {issuer.access_token(key, AUDIENCE, cnf=None)}")]
    run(open_to_all, [unbound])
    tokens = [issuer.access_token(key, AUDIENCE) for _ in range(rounds * BATCH)]
    verify(verifier, key, tokens[0])
    issuer.stop()
    names = ("first", "repeated", "token", "proof", "unbound", "pyjwt")
    measured: dict[str, list[float]] = {name: [] for name in names}
    public = issuer.private.public_key()
    for number in range(1, rounds):
        batch = tokens[number * BATCH : (number + 1) * BATCH]
        calls = [headers(key, token) for token in batch + batch]
        measured["first"].append(timed(lambda: run(verifier, calls[:BATCH])))  # noqa: B023
        measured["repeated"].append(timed(lambda: run(verifier, calls[BATCH:])))  # noqa: B023
        measured["token"].append(timed(lambda: bare(verifier, batch)))  # noqa: B023
        proofs = [call[1][1] for call in calls[:BATCH]]
        measured["proof"].append(timed(lambda: bare_proofs(key, proofs)))  # noqa: B023
        measured["unbound"].append(timed(lambda: run(open_to_all, [unbound] * BATCH)))
        measured["pyjwt"].append(timed(lambda: decode(issuer.url, public, batch)))  # noqa: B023
    verifier.close()
    open_to_all.close()
    result = {name: round(median(values) / BATCH, 1) for name, values in measured.items()}
    return result | {
        "first_over_floor": round(result["first"] / (result["token"] + result["proof"]), 2),
        "repeated_over_floor": round(result["repeated"] / result["proof"], 2),
        "repeated_less_proof": round(result["repeated"] - result["proof"], 1),
        "unbound_over_pyjwt": round(result["unbound"] / result["pyjwt"], 2),
        "repeated_over_pyjwt": round(result["repeated"] / result["pyjwt"], 2),
    }


def headers(key: AgentKey, token: str) -> list[tuple[str, str]]:
    proof = make_proof(key, "GET", f"{AUDIENCE}/echo", now=time.time(), token=token)
    return [("Authorization", f"DPoP {token}"), ("DPoP", proof)]


def verify(verifier: Verifier, key: AgentKey, token: str) -> None:
    run(verifier, [headers(key, token)])


def run(verifier: Verifier, calls: list[list[tuple[str, str]]]) -> None:
    for call in calls:
        assert isinstance(verifier.check("GET", "/echo", call, scope="echo:read"), Verified)


def decode(issuer: str, key: object, tokens: list[str]) -> None:
    for token in tokens:
        jwt.decode(token, key, algorithms=["ES256"], issuer=issuer, audience=AUDIENCE)  # type: ignore[arg-type]


def bare(verifier: Verifier, tokens: list[str]) -> None:
    key = verifier._keys.find(_jws.parse(tokens[0], max_bytes=_jws.TOKEN_BYTES).kid)
    assert key is not None
    for token in tokens:
        signed, _, signature = token.rpartition(".")
        key.verify("ES256", signed.encode(), _jws._bytes(signature))


def bare_proofs(key: AgentKey, proofs: list[str]) -> None:
    public = parse_public(key.public_jwk)
    for proof in proofs:
        signed, _, signature = proof.rpartition(".")
        public.verify(key.alg, signed.encode(), _jws._bytes(signature))


if __name__ == "__main__":
    rounds = int(sys.argv[1]) if len(sys.argv) > 1 else 20
    print(json.dumps(main(rounds, "P-256" if sys.argv[2:] == ["P-256"] else "Ed25519")))
