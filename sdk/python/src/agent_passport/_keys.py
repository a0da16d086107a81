"""The agent's key: made here, kept in a file for its owner alone or in a keyring, never sent anywhere.

What leaves the process is the public half and signatures.
"""

import json
import os
import stat
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any, Literal

from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.asymmetric.utils import decode_dss_signature
from cryptography.hazmat.primitives.hashes import SHA256

from agent_passport import _base64, _jwk, _keyring
from agent_passport._errors import KeyFileError
from agent_passport._files import write_new

Kind = Literal["Ed25519", "P-256"]
SignCallback = Callable[[bytes], bytes]
"""Signs somewhere else: a KMS, a hardware key. 64 bytes; r and s for P-256 (RFC 7518 section 3.4)."""

_OTHERS = stat.S_IRWXG | stat.S_IRWXO
_KEY_FILE_BYTES = 4096


class AgentKey:
    """A private key that signs assertions and proofs.

    ``alg`` is ``EdDSA`` for Ed25519: the newer name ``Ed25519`` (RFC 9864) is not yet read everywhere.
    """

    def __init__(self, private: Ed25519PrivateKey | ec.EllipticCurvePrivateKey) -> None:
        if isinstance(private, ec.EllipticCurvePrivateKey) and private.curve.name != "secp256r1":
            raise KeyFileError("the curve is not P-256", cure="Make a new key: agent-passport keys generate")
        self._private: Ed25519PrivateKey | ec.EllipticCurvePrivateKey | None = private
        self._callback: SignCallback | None = None
        self.alg = "EdDSA" if isinstance(private, Ed25519PrivateKey) else "ES256"
        self.public_jwk: dict[str, str] = _public_jwk(private)
        self.thumbprint = _jwk.thumbprint(self.public_jwk)

    def __repr__(self) -> str:
        return f"<AgentKey {self.alg} {self.thumbprint}>"

    @classmethod
    def generate(cls, kind: Kind = "Ed25519") -> "AgentKey":
        if kind == "Ed25519":
            return cls(Ed25519PrivateKey.generate())
        if kind == "P-256":
            return cls(ec.generate_private_key(ec.SECP256R1()))
        raise ValueError(f"a key is Ed25519 or P-256, not {kind}")

    @classmethod
    def from_jwk(cls, jwk: Mapping[str, Any] | str) -> "AgentKey":
        """Read a private JWK. Raises KeyFileError."""
        cure = "Make a new key: agent-passport keys generate"
        try:
            members = json.loads(jwk) if isinstance(jwk, str) else jwk
            key = cls(_private(members))
        except (ValueError, TypeError, KeyError, AttributeError) as error:
            raise KeyFileError("not a private JWK of an Ed25519 or P-256 key", cure=cure) from error
        if any(members.get(name, value) != value for name, value in key.public_jwk.items()):
            raise KeyFileError("the public half does not belong to the private one", cure=cure)
        return key

    @classmethod
    def from_callback(cls, public_jwk: Mapping[str, Any], sign: SignCallback) -> "AgentKey":
        """A key that is elsewhere: ``sign`` is asked for each signature. Raises KeyFileError."""
        try:
            public = _jwk.parse_public(public_jwk)
        except _jwk.BadKey as error:
            raise KeyFileError(str(error), cure="Give the public JWK of an Ed25519 or P-256 key") from error
        key = cls.__new__(cls)
        key._private, key._callback = None, sign
        key.public_jwk = {name: public_jwk[name] for name in ("kty", "crv", "x", "y") if name in public_jwk}
        key.alg = "ES256" if "ES256" in public.algs else "EdDSA"
        key.thumbprint = public.thumbprint
        return key

    @classmethod
    def from_keyring(cls, name: str) -> "AgentKey":
        """Read a key from the keyring of the operating system. Raises KeyFileError."""
        return cls.from_jwk(_keyring.read(name))

    def save_to_keyring(self, name: str) -> None:
        """Put the key under a new name into the keyring. Raises KeyFileError when one is there already."""
        _keyring.write(name, json.dumps(self.private_jwk()))

    @classmethod
    def load(cls, path: str | os.PathLike[str]) -> "AgentKey":
        """Read a key file. Raises KeyFileError when others could read it too."""
        return cls.from_jwk(_read_private(Path(path)))

    def save(self, path: str | os.PathLike[str]) -> None:
        """Write a new file of mode 0600. Raises KeyFileError when something is there already."""
        try:
            write_new(Path(path), json.dumps(self.private_jwk()) + "\n")
        except FileExistsError as error:
            raise KeyFileError(
                f"{path} exists", cure="Choose another name: a key is never overwritten"
            ) from error
        except OSError as error:
            raise KeyFileError(f"{path}: {error.strerror}", cure="Choose a folder you may write") from error

    def private_jwk(self) -> dict[str, str]:
        """The secret itself. For key files; whoever reads it is the agent. Raises KeyFileError."""
        if self._private is None:
            raise KeyFileError("the key cannot be read out", cure="It stays where it signs")
        if isinstance(self._private, Ed25519PrivateKey):
            secret = self._private.private_bytes_raw()
        else:
            secret = self._private.private_numbers().private_value.to_bytes(32, "big")
        return {**self.public_jwk, "d": _base64.encode(secret)}

    def sign(self, signed: bytes) -> bytes:
        """A JWS signature of 64 bytes (RFC 7518 section 3.4, RFC 8037 section 3.1)."""
        if self._callback is not None:
            return _checked(self._callback(signed))
        assert self._private is not None
        if isinstance(self._private, Ed25519PrivateKey):
            return self._private.sign(signed)
        r, s = decode_dss_signature(self._private.sign(signed, ec.ECDSA(SHA256())))
        return r.to_bytes(32, "big") + s.to_bytes(32, "big")


def _checked(signature: bytes) -> bytes:
    if len(signature) != 64:
        raise KeyFileError("the key signed, but not with 64 bytes", cure="Give r and s side by side, not DER")
    return signature


def _public_jwk(private: Ed25519PrivateKey | ec.EllipticCurvePrivateKey) -> dict[str, str]:
    if isinstance(private, Ed25519PrivateKey):
        x = private.public_key().public_bytes_raw()
        return {"kty": "OKP", "crv": "Ed25519", "x": _base64.encode(x)}
    point = private.public_key().public_numbers()
    x, y = point.x.to_bytes(32, "big"), point.y.to_bytes(32, "big")
    return {"kty": "EC", "crv": "P-256", "x": _base64.encode(x), "y": _base64.encode(y)}


def _private(jwk: Mapping[str, Any]) -> Ed25519PrivateKey | ec.EllipticCurvePrivateKey:
    secret = _base64.decode(jwk["d"])
    kind = jwk["kty"], jwk["crv"]
    if kind == ("OKP", "Ed25519"):
        return Ed25519PrivateKey.from_private_bytes(secret)
    if kind == ("EC", "P-256"):
        return ec.derive_private_key(int.from_bytes(secret, "big"), ec.SECP256R1())
    raise ValueError("neither Ed25519 nor P-256")


def _read_private(path: Path) -> str:
    try:
        with path.open(encoding="utf-8") as file:
            # Asked of the open file: between a look at the path and its opening it could be exchanged.
            _check_owner_only(path, os.fstat(file.fileno()))
            return file.read(_KEY_FILE_BYTES)
    except FileNotFoundError as error:
        raise KeyFileError(
            f"{path} is not there", cure="Make it: agent-passport keys generate --out FILE"
        ) from error
    except (OSError, UnicodeDecodeError) as error:
        raise KeyFileError(f"{path} cannot be read", cure="Check its owner and mode") from error


def _check_owner_only(path: Path, found: os.stat_result) -> None:
    if not stat.S_ISREG(found.st_mode):
        raise KeyFileError(f"{path} is no regular file", cure="Name the file that holds the key")
    if os.name == "posix" and found.st_mode & _OTHERS:
        raise KeyFileError(f"{path} can be read by others", cure=f"chmod 600 {path}")
