"""Proves that the record is whole, or names the first entry that does not fit."""

import base64
import hashlib
import json
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass

from joserfc import jws
from joserfc.errors import JoseError
from joserfc.jwk import ECKey

from foundation.ledger.append import canonical
from foundation.ledger.checkpoints import TYP
from foundation.ledger.models import Checkpoint, Entry, EntryText, LedgerKey, Position
from foundation.ledger.tree import Frontier

CHUNK = 2000


@dataclass(frozen=True, slots=True)
class Finding:
    """Where the record first fails to fit, and how."""

    number: int
    entry_id: int | None
    fault: str


@dataclass(frozen=True, slots=True)
class Proof:
    """What was checked. ``finding`` is None when all of it fits."""

    entries: int
    sealed: int
    """Entries under a valid signed checkpoint."""
    checkpoints: int
    root: str
    finding: Finding | None


class _Fault(Exception):
    def __init__(self, number: int, entry_id: int | None, fault: str) -> None:
        self.finding = Finding(number, entry_id, fault)


def verify_ledger(outside: Iterable[str] = ()) -> Proof:
    """Read the whole record and check numbers, digests, texts, roots and signatures.

    ``outside`` are checkpoint tokens kept elsewhere (the checkpoint file, a subscriber): each
    must be of this record too, which shows a record that was rewritten and sealed anew. Raises
    ValueError for one that our keys did not sign. Memory is bounded; time is linear.
    """
    frontier = Frontier()
    sealed = checkpoints = 0
    elsewhere = _read_outside(outside)
    seals = Checkpoint.objects.order_by("size").iterator(CHUNK)
    seal = next(seals, None)
    try:
        for position in _positions():
            _check_entry(position, frontier.size + 1, seal)
            frontier.add(bytes(position.entry.digest))
            if frontier.size in elsewhere:
                _check_root(frontier, elsewhere.pop(frontier.size), "a checkpoint kept elsewhere")
            if seal and seal.size == frontier.size:
                _check_seal(frontier, seal)
                sealed, checkpoints, seal = seal.size, checkpoints + 1, next(seals, None)
        if beyond := max([seal.size] if seal else [], default=0) or max(elsewhere, default=0):
            raise _Fault(frontier.size + 1, None, f"missing: a signed checkpoint covers {beyond} entries")
    except _Fault as fault:
        return Proof(frontier.size, sealed, checkpoints, "", fault.finding)
    return Proof(frontier.size, sealed, checkpoints, frontier.root().hex(), None)


def _positions() -> Iterator[Position]:
    rows = Position.objects.select_related("entry").order_by("number")
    yield from rows.iterator(CHUNK)


def _check_entry(position: Position, expected: int, seal: Checkpoint | None) -> None:
    entry = position.entry
    if position.number != expected:
        raise _Fault(expected, None, f"missing: the next number is {position.number}")
    if digest_of(entry) != bytes(entry.digest):
        raise _Fault(position.number, entry.pk, "altered: its content does not match its digest")
    if seal and _sealed_digest(seal, position.number) != bytes(entry.digest):
        raise _Fault(position.number, entry.pk, "altered: its digest is not the one that was sealed")
    _check_text(position.number, entry)


def _sealed_digest(seal: Checkpoint, number: int) -> bytes:
    start = len(seal.leaves) - (seal.size - number + 1) * 32
    return bytes(seal.leaves[start : start + 32]) if start >= 0 else b""


def _check_seal(frontier: Frontier, seal: Checkpoint) -> None:
    if bytes(seal.root) != frontier.root():
        raise _Fault(seal.size, None, f"the root over {seal.size} entries is not the checkpoint's")
    claims = _read_token(seal.token)
    if claims is None or claims.get("size") != seal.size:
        raise _Fault(seal.size, None, f"the checkpoint over {seal.size} entries is not signed by our key")
    _check_root(frontier, claims, "the signed checkpoint")


def _check_root(frontier: Frontier, claims: Mapping[str, object], whose: str) -> None:
    encoded = base64.urlsafe_b64encode(frontier.root()).rstrip(b"=").decode()
    if claims.get("root") != encoded:
        fault = f"{whose} over {frontier.size} entries has another root: the record was rewritten"
        raise _Fault(frontier.size, None, fault)


def _check_text(number: int, entry: Entry) -> None:
    expected = entry.payload.get("text_sha256")
    if not expected:
        return
    text = EntryText.objects.filter(entry=entry).first()
    if text is None:
        raise _Fault(number, entry.pk, "missing: its text is gone without being erased")
    if not text.erased_at and hashlib.sha256(text.text.encode()).hexdigest() != expected:
        raise _Fault(number, entry.pk, "altered: its text does not match its digest")


def digest_of(entry: Entry) -> bytes:
    content = canonical(
        type=entry.type,
        at=entry.at,
        actor=entry.actor,
        subject_ids=entry.subject_ids,
        reason=entry.reason,
        payload=entry.payload,
    )
    return hashlib.sha256(content).digest()


def _read_outside(tokens: Iterable[str]) -> dict[int, dict[str, object]]:
    found: dict[int, dict[str, object]] = {}
    for token in tokens:
        claims = _read_token(token)
        size = claims.get("size") if claims else None
        if claims is None or not isinstance(size, int):
            raise ValueError("a checkpoint given from outside is not signed by this ledger's keys")
        found[size] = claims
    return found


def _read_token(token: str) -> dict[str, object] | None:
    for row in LedgerKey.objects.all():
        try:
            parsed = jws.deserialize_compact(token, ECKey.import_key(row.public_jwk), algorithms=["ES256"])
        except (JoseError, ValueError):
            continue
        if parsed.headers().get("typ") == TYP:
            claims = json.loads(parsed.payload)
            return claims if isinstance(claims, dict) else None
    return None
