"""An account's or a person's name at one service: the same there every time, of no use anywhere else."""

import base64

from foundation.sealing import hashes, keys


def pairwise_id(account_id: str, audience: str) -> str:
    """``acct_`` and 22 characters: HMAC-SHA256 of audience and account, cut to 128 bits.

    Under the oldest key of the ring, so that adding a key changes no service's records; they
    change when that key leaves the ring.
    """
    return "acct_" + _name("pairwise", account_id, audience)


def pairwise_user_id(user_id: str, audience: str) -> str:
    """``user_`` and 22 characters: ``sub`` where a person stands behind the token."""
    return "user_" + _name("pairwise-user", user_id, audience)


def _name(purpose: str, whose: str, audience: str) -> str:
    message = f"{audience}\n{whose}".encode()
    digest = hashes.keyed_hash_under(purpose, message, keys.key_ids()[-1]).digest
    return base64.urlsafe_b64encode(digest[:16]).rstrip(b"=").decode()
