"""Signatures of JWS (RFC 7518 section 3, RFC 8037 section 3.1) over `cryptography`."""

from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec, ed25519, padding, rsa
from cryptography.hazmat.primitives.asymmetric.utils import decode_dss_signature, encode_dss_signature

from passport.jose.keys import Handle

type PrivateHandle = ec.EllipticCurvePrivateKey | ed25519.Ed25519PrivateKey | rsa.RSAPrivateKey

ONE_NAME = {"Ed25519": "EdDSA"}
"""RFC 9864: two names of one algorithm, where the key is of Ed25519. We keep the older one."""

# The order of each curve's base point (SP 800-186 section 3.2.1) and the size of a number below it.
P256 = (0xFFFFFFFF00000000FFFFFFFFFFFFFFFFBCE6FAADA7179E84F3B9CAC2FC632551, 32)
P384 = (
    0xFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFC7634D81F4372DDF581A0DB248B0A77AECEC196ACCC52973,
    48,
)
ECDSA: dict[str, tuple[tuple[int, int], ec.ECDSA]] = {
    "ES256": (P256, ec.ECDSA(hashes.SHA256())),
    "ES384": (P384, ec.ECDSA(hashes.SHA384())),
}
PSS = padding.PSS(mgf=padding.MGF1(hashes.SHA256()), salt_length=hashes.SHA256.digest_size)


def one_name(alg: str) -> str:
    return ONE_NAME.get(alg, alg)


def is_good(handle: Handle, alg: str, signed: bytes, signature: bytes) -> bool:
    """Whether ``signature`` is of ``signed`` by that key under ``alg``, the algorithm of the key."""
    try:
        if isinstance(handle, ec.EllipticCurvePublicKey):
            return _is_good_ecdsa(handle, alg, signed, signature)
        if isinstance(handle, ed25519.Ed25519PublicKey):
            if one_name(alg) != "EdDSA":
                return False
            handle.verify(signature, signed)
            return True
        if alg not in {"RS256", "PS256"}:
            return False
        handle.verify(signature, signed, PSS if alg == "PS256" else padding.PKCS1v15(), hashes.SHA256())
    except InvalidSignature:
        return False
    return True


def _is_good_ecdsa(handle: ec.EllipticCurvePublicKey, alg: str, signed: bytes, signature: bytes) -> bool:
    """``r || s`` of fixed length, both in 1..n-1; DER is refused by its length."""
    (order, size), scheme = ECDSA.get(alg, ((0, 0), None))
    if scheme is None or handle.key_size != size * 8 or len(signature) != 2 * size:
        return False
    r, s = int.from_bytes(signature[:size], "big"), int.from_bytes(signature[size:], "big")
    if not (0 < r < order and 0 < s < order):
        return False
    handle.verify(encode_dss_signature(r, s), signed, scheme)
    return True


def sign(handle: PrivateHandle, alg: str, signed: bytes) -> bytes:
    """The signature in the form that JWS carries. Raises ValueError when the key is not of ``alg``."""
    if isinstance(handle, ec.EllipticCurvePrivateKey) and alg in ECDSA:
        (_, size), scheme = ECDSA[alg]
        r, s = decode_dss_signature(handle.sign(signed, scheme))
        return r.to_bytes(size, "big") + s.to_bytes(size, "big")
    if isinstance(handle, ed25519.Ed25519PrivateKey) and one_name(alg) == "EdDSA":
        return handle.sign(signed)
    if isinstance(handle, rsa.RSAPrivateKey) and alg in {"RS256", "PS256"}:
        return handle.sign(signed, PSS if alg == "PS256" else padding.PKCS1v15(), hashes.SHA256())
    raise ValueError(f"the key does not sign {alg}")


def generate(alg: str) -> PrivateHandle:
    """A new private key of ``alg``; RSA with 2048 bits."""
    match one_name(alg):
        case "ES256":
            return ec.generate_private_key(ec.SECP256R1())
        case "ES384":
            return ec.generate_private_key(ec.SECP384R1())
        case "EdDSA":
            return ed25519.Ed25519PrivateKey.generate()
        case "RS256" | "PS256":
            return rsa.generate_private_key(public_exponent=65537, key_size=2048)
    raise ValueError(f"no such algorithm: {alg}")
