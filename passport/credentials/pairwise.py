"""An account's name at one service: the same there every time, and of no use anywhere else."""

import base64

from foundation.sealing import hashes, keys


def pairwise_id(account_id: str, audience: str) -> str:
    """``acct_`` and 22 characters: HMAC-SHA256 of audience and account, cut to 128 bits.

    Under the oldest key of the ring, so that adding a key changes no service's records; they
    change when that key leaves the ring.
    """
    message = f"{audience}\n{account_id}".encode()
    digest = hashes.keyed_hash_under("pairwise", message, keys.key_ids()[-1]).digest
    return "acct_" + base64.urlsafe_b64encode(digest[:16]).rstrip(b"=").decode()
