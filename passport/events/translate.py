"""From ledger entries to frames: what each kind of entry says to a verifier."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime

from foundation.ledger.read import Placed
from passport.events import frames
from passport.events.denied import agents_hit
from passport.status.models import StatusDelta
from passport.status.sign import list_uri


class Gap(Exception):
    """A delta of the asked-for past is no longer held: the reader must fetch all lists."""


class NotYet(Exception):
    """A change of a list is not signed yet: it would send readers to a list that lacks it."""


@dataclass(frozen=True, slots=True)
class Item:
    """What one ledger position says."""

    position: int
    frames: bytes
    """Empty when it says nothing to a verifier."""
    without_denied: bytes
    """The same for a reader that has a later full set of denied agents."""
    loosened: bool
    """Somebody may be denied no longer: the full set has to be sent again."""
    marked_at: datetime | None
    """When the change of a list was decided."""


def translate(entries: Iterable[Placed], issuer: str, *, wait_for_signed: bool) -> list[Item]:
    """The items of these entries, in order. One query for the deltas, one or two for each restriction.

    Raises Gap. With ``wait_for_signed``, stops in front of a list that is not signed yet.
    """
    entries = list(entries)
    deltas = _deltas(entries)
    items: list[Item] = []
    for entry in entries:
        try:
            items.append(_item(entry, deltas, issuer, wait_for_signed=wait_for_signed))
        except NotYet:
            break
    return items


def _deltas(entries: list[Placed]) -> Mapping[str, StatusDelta]:
    """The deltas that entries ``status.published`` name, by id."""
    ids = [str(entry.payload["delta"]) for entry in entries if entry.type == "status.published"]
    if not ids:
        return {}
    rows = StatusDelta.objects.filter(pk__in=ids).select_related("list")
    held = {delta.pk: delta for delta in rows.defer("list__content", "list__token", "list__decoys")}
    if len(held) < len(ids):
        raise Gap
    return held


def _item(entry: Placed, deltas: Mapping[str, StatusDelta], issuer: str, *, wait_for_signed: bool) -> Item:
    plain: list[bytes] = []
    denied: list[bytes] = []
    loosened, marked_at = False, None
    match entry.type:
        case "status.published":
            delta = deltas[str(entry.payload["delta"])]
            if delta.whole and wait_for_signed and not delta.signed:
                raise NotYet
            plain, marked_at = _of_delta(delta, entry.number, issuer), delta.marked_at
        case "restriction.placed":
            denied = frames.denied(agents_hit(entry.payload), entry.number)
        case "restriction.lifted":
            loosened = True
        case "agent.closed":
            denied = frames.denied(entry.subject_ids[:1], entry.number)
        case "token.revoked":
            plain = _of_token(entry)
        case kind if kind.startswith("signing_key."):
            plain = [frames.keys_changed(entry.number)]
    return Item(
        position=entry.number,
        frames=frames.numbered([*plain, *denied], entry.number),
        without_denied=frames.numbered(plain, entry.number),
        loosened=loosened,
        marked_at=marked_at,
    )


def _of_delta(delta: StatusDelta, position: int, issuer: str) -> list[bytes]:
    uri = list_uri(issuer, delta.list_id)
    found: list[bytes] = []
    if delta.suspended or delta.invalid:
        found.append(
            frames.status(
                uri, position, bits=delta.list.bits, suspended=delta.suspended, invalid=delta.invalid
            )
        )
    if delta.whole:
        found.append(frames.whole_list(uri, position))
    return found


def _of_token(entry: Placed) -> list[bytes]:
    jti, expires_at = entry.payload.get("jti"), entry.payload.get("exp")
    if not isinstance(jti, str) or not isinstance(expires_at, int):
        return []
    return [frames.token_revoked(entry.number, jti, expires_at)]
