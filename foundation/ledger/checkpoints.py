"""Seals the record: the root over all positions, signed, at most a minute behind.

A sealed entry cannot be altered, removed or moved without the next verification naming it. The
sealed root is also sent out (feed, file), so that even who holds the database and the key
cannot rewrite what others have already seen.
"""

import base64
import os
from datetime import timedelta
from pathlib import Path

from django.conf import settings
from django.db import IntegrityError, transaction
from joserfc import jws
from joserfc.jwk import ECKey

from foundation import clock
from foundation.ledger.models import Checkpoint, LedgerKey, Position
from foundation.ledger.tree import Frontier
from foundation.sealing.boxes import open_box, seal

TYP = "agent-passport-checkpoint+jwt"
CONTEXT = "ledger-key"
CHUNK = 5000


def signing_key() -> ECKey:
    """The key of the checkpoints (P-256), made at first use."""
    row = LedgerKey.objects.filter(retired_at=None).order_by("created_at").first() or _make_key()
    return ECKey.import_key(open_box(row.sealed_private_key, context=CONTEXT).decode())


def _make_key() -> LedgerKey:
    key = ECKey.generate_key("P-256")
    kid = key.thumbprint()
    return LedgerKey.objects.create(
        kid=kid,
        public_jwk=key.as_dict(private=False),
        sealed_private_key=seal(key.as_pem(private=True), context=CONTEXT),
        created_at=clock.now(),
    )


def checkpoint() -> Checkpoint | None:
    """Seal what was numbered since the last checkpoint. None when nothing was.

    Two at once: the second finds the size taken and leaves it. Reads the new positions only.
    """
    last = Checkpoint.objects.order_by("-size").first()
    frontier = Frontier(last.size, [bytes.fromhex(node) for node in last.frontier]) if last else Frontier()
    leaves = bytearray()
    rows = Position.objects.filter(number__gt=frontier.size).order_by("number")
    for number, digest in rows.values_list("number", "entry__digest").iterator(CHUNK):
        if number != frontier.size + 1:
            break  # A gap: verification names it; nothing beyond it may be sealed.
        frontier.add(bytes(digest))
        leaves += bytes(digest)
    if not leaves:
        return None
    now = clock.now()
    root = frontier.root()
    try:
        with transaction.atomic():
            row = Checkpoint.objects.create(
                size=frontier.size,
                root=root,
                leaves=bytes(leaves),
                frontier=[node.hex() for node in frontier.hashes],
                signed_at=now,
                token=_sign(frontier.size, root, int(now.timestamp())),
            )
    except IntegrityError:
        return None
    _send_out(row)
    return row


def _sign(size: int, root: bytes, issued_at: int) -> str:
    key = signing_key()
    encoded = base64.urlsafe_b64encode(root).rstrip(b"=").decode()
    header = {"alg": "ES256", "kid": key.thumbprint(), "typ": TYP}
    claims = f'{{"iss":"{settings.ISSUER}","iat":{issued_at},"size":{size},"root":"{encoded}"}}'
    return jws.serialize_compact(header, claims.encode(), key)


def _send_out(row: Checkpoint) -> None:
    """Append the token to the checkpoint file: one line each, synced."""
    path: Path = settings.CHECKPOINT_FILE
    path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
    handle = os.open(path, os.O_WRONLY | os.O_APPEND | os.O_CREAT, 0o600)
    with os.fdopen(handle, "a", encoding="ascii") as file:
        file.write(row.token + "\n")
        file.flush()
        os.fsync(file.fileno())


def is_late(now_margin: timedelta = timedelta(seconds=60)) -> bool:
    """Whether numbered entries have waited longer than ``now_margin`` for a checkpoint."""
    last = Checkpoint.objects.order_by("-size").first()
    sealed = last.size if last else 0
    oldest = Position.objects.filter(number=sealed + 1).values_list("placed_at", flat=True).first()
    return oldest is not None and oldest < clock.now() - now_margin
