"""JWTs as honest clients and as forgers make them: every part can be bent."""

import base64
import hashlib
import json
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec, ed25519, padding, rsa
from cryptography.hazmat.primitives.asymmetric.utils import decode_dss_signature

RSA_FILE = Path(__file__).parent.parent / "vectors" / "rsa.json"


def b64(data: bytes) -> str:
    return base64.urlsafe_b64encode(data).rstrip(b"=").decode()


def segment(value: Any) -> str:
    return b64(json.dumps(value, separators=(",", ":")).encode())


@dataclass(frozen=True)
class TestKey:
    """A fixed private key, for tests only."""

    __test__ = False

    name: str
    alg: str
    private: Any

    @property
    def jwk(self) -> dict[str, str]:
        public = self.private.public_key()
        if isinstance(public, ed25519.Ed25519PublicKey):
            return {"kty": "OKP", "crv": "Ed25519", "x": b64(public.public_bytes_raw())}
        numbers = public.public_numbers()
        if isinstance(public, rsa.RSAPublicKey):
            n = b64(numbers.n.to_bytes(numbers.n.bit_length() // 8, "big"))
            return {"kty": "RSA", "n": n, "e": "AQAB", **({"alg": "PS256"} if self.alg == "PS256" else {})}
        size = public.key_size // 8
        return {
            "kty": "EC",
            "crv": f"P-{public.key_size}",
            "x": b64(numbers.x.to_bytes(size, "big")),
            "y": b64(numbers.y.to_bytes(size, "big")),
        }

    @property
    def thumbprint(self) -> str:
        canonical = json.dumps(self.jwk, sort_keys=True, separators=(",", ":"))
        return b64(hashlib.sha256(canonical.encode()).digest())

    @property
    def pem(self) -> bytes:
        """The private key, for other libraries."""
        return self.private.private_bytes(
            serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
        )

    def der_signature(self, signed: bytes) -> bytes:
        """ECDSA as OpenSSL writes it; the same each time (RFC 6979)."""
        digest = hashes.SHA384() if self.alg == "ES384" else hashes.SHA256()
        return self.private.sign(signed, ec.ECDSA(digest, deterministic_signing=True))

    def sign(self, signed: bytes) -> bytes:
        if self.alg == "EdDSA":
            return self.private.sign(signed)
        if self.alg == "RS256":
            return self.private.sign(signed, padding.PKCS1v15(), hashes.SHA256())
        if self.alg == "PS256":
            return self.private.sign(signed, padding.PSS(padding.MGF1(hashes.SHA256()), 32), hashes.SHA256())
        r, s = decode_dss_signature(self.der_signature(signed))
        size = self.private.key_size // 8
        return r.to_bytes(size, "big") + s.to_bytes(size, "big")


def seed(name: str) -> bytes:
    return hashlib.sha256(f"agent-passport test key {name}".encode()).digest()


def _ec(name: str, alg: str, curve: Any) -> TestKey:
    return TestKey(name, alg, ec.derive_private_key(int.from_bytes(seed(name), "big"), curve))


def _rsa(name: str, alg: str = "RS256") -> TestKey:
    parts = {part: int(value, 16) for part, value in json.loads(RSA_FILE.read_text()).items()}
    numbers = rsa.RSAPrivateNumbers(
        p=parts["p"],
        q=parts["q"],
        d=parts["d"],
        dmp1=parts["d"] % (parts["p"] - 1),
        dmq1=parts["d"] % (parts["q"] - 1),
        iqmp=pow(parts["q"], -1, parts["p"]),
        public_numbers=rsa.RSAPublicNumbers(65537, parts["p"] * parts["q"]),
    )
    return TestKey(name, alg, numbers.private_key())


ALICE = _ec("alice", "ES256", ec.SECP256R1())
MALLORY = _ec("mallory", "ES256", ec.SECP256R1())
P384 = _ec("p384", "ES384", ec.SECP384R1())
ED = TestKey("ed", "EdDSA", ed25519.Ed25519PrivateKey.from_private_bytes(seed("ed")))
RSA = _rsa("rsa")
PSS = _rsa("pss", "PS256")
"""The same key as RSA, registered for the other algorithm; its signatures differ each time."""
KEYS = (ALICE, MALLORY, P384, ED, RSA)


def jws(
    key: TestKey, claims: Any, *, header: dict[str, Any] | None = None, signature: bytes | None = None
) -> str:
    """``header`` is laid over ``{"alg": …}``; a member that is None is left out."""
    laid = {"alg": key.alg, **(header or {})}
    return raw_jws(key, segment({k: v for k, v in laid.items() if v is not None}), segment(claims), signature)


def raw_jws(key: TestKey, header: str, claims: str, signature: bytes | None = None) -> str:
    signed = f"{header}.{claims}"
    return f"{signed}.{b64(key.sign(signed.encode()) if signature is None else signature)}"
