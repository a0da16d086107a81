"""The opaque values that we hand out here: 256 random bits each, of which only a hash is kept."""

import hashlib
import secrets

BYTES = 32
CODE, REFRESH, PUSHED = "apc_", "apr_", "app_"
"""Prefixes, so that leaked ones are recognised by scanners."""
MAX_CHARACTERS = 100


def new_secret(prefix: str) -> str:
    return prefix + secrets.token_urlsafe(BYTES)


def digest_of(secret: str) -> str:
    """What is stored and looked up; of so many random bits a plain hash gives nothing away."""
    return hashlib.sha256(secret.encode("utf-8", "surrogatepass")).hexdigest()
