"""``authorization_details`` (RFC 9396): what an agent may spend, and what data it may move. Pure.

Two types, each with its own members and no others. A credential that carries no detail of a
type allows nothing of that kind: absence is never read as "without limit".

``spend``: ``currency`` (ISO 4217), ``amount`` (a decimal string), ``period`` and, where it is
narrower than the token's audience, ``locations``. ``data``: ``datatypes``, and optionally
``locations`` and ``volume`` (whole bytes) with its ``period``.
"""

import re
from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass
from decimal import Decimal
from typing import Any

from passport.errors import InvalidAuthorizationDetails
from passport.exchange.currencies import decimals_of
from passport.exchange.policy import is_absolute_uri
from passport.jose import strict_json

MOST_BYTES = 4096
"""They travel in every token, beside all else that a header of 8 KiB must hold."""
MOST_DETAILS = 10
MOST_NAMES = 20
MAX_DEPTH = 4
MOST_CHARACTERS = 512
PERIODS = ("once", "day", "week", "month", "year")
"""``once``: in all. Limits of different periods are never compared: which is wider depends on the use."""
AMOUNT = re.compile(r"(0|[1-9][0-9]{0,11})(\.[0-9]{1,3})?")
DATATYPE = re.compile(r"[A-Za-z0-9][A-Za-z0-9._:/-]{0,63}")
MOST_VOLUME = 2**53 - 1
"""Beyond it readers of JSON disagree about the number."""


@dataclass(frozen=True, slots=True)
class Spend:
    """At most ``amount`` in each ``period``, at these places; None: wherever the token is taken."""

    currency: str
    amount: Decimal
    period: str
    locations: frozenset[str] | None = None

    def claim(self) -> dict[str, Any]:
        said = {"type": "spend", "currency": self.currency, "amount": str(self.amount), "period": self.period}
        return said if self.locations is None else {**said, "locations": sorted(self.locations)}

    def words(self) -> str:
        """For a person who decides about it."""
        return f"spend up to {self.amount} {self.currency} {PERIOD_WORDS[self.period]}{_at(self.locations)}"

    def covers(self, asked: "Detail") -> bool:
        return (
            isinstance(asked, Spend)
            and (asked.currency, asked.period) == (self.currency, self.period)
            and asked.amount <= self.amount
            and _within(asked.locations, self.locations)
        )

    def meet(self, other: "Detail") -> "Spend | None":
        """The widest detail that both cover; None where there is none."""
        if not isinstance(other, Spend) or (other.currency, other.period) != (self.currency, self.period):
            return None
        places, apart = _shared(self.locations, other.locations)
        return None if apart else Spend(self.currency, min(self.amount, other.amount), self.period, places)


@dataclass(frozen=True, slots=True)
class Data:
    """These kinds of data, at most ``volume`` bytes in each ``period``; None: as much as it likes."""

    datatypes: frozenset[str]
    volume: int | None = None
    period: str | None = None
    locations: frozenset[str] | None = None

    def claim(self) -> dict[str, Any]:
        said: dict[str, Any] = {"type": "data", "datatypes": sorted(self.datatypes)}
        if self.volume is not None:
            said |= {"volume": self.volume, "period": self.period}
        return said if self.locations is None else {**said, "locations": sorted(self.locations)}

    def words(self) -> str:
        """For a person who decides about it."""
        kinds = ", ".join(sorted(self.datatypes))
        if self.volume is None or self.period is None:
            return f"use data of these kinds: {kinds}{_at(self.locations)}"
        often = PERIOD_WORDS[self.period]
        return f"use up to {self.volume} bytes {often} of these kinds: {kinds}{_at(self.locations)}"

    def covers(self, asked: "Detail") -> bool:
        return (
            isinstance(asked, Data)
            and asked.datatypes <= self.datatypes
            and _within(asked.locations, self.locations)
            and (
                self.volume is None
                or (asked.volume is not None and asked.volume <= self.volume and asked.period == self.period)
            )
        )

    def meet(self, other: "Detail") -> "Data | None":
        """The widest detail that both cover; None where there is none, or none that could be said."""
        if not isinstance(other, Data) or not (kinds := self.datatypes & other.datatypes):
            return None
        places, apart = _shared(self.locations, other.locations)
        if apart:
            return None
        if self.volume is None or other.volume is None:
            bounded = other if self.volume is None else self
            return Data(kinds, bounded.volume, bounded.period, places)
        if self.period != other.period:
            return None
        return Data(kinds, min(self.volume, other.volume), self.period, places)


Detail = Spend | Data

PERIOD_WORDS = {
    "once": "in all",
    "day": "a day",
    "week": "a week",
    "month": "a month",
    "year": "a year",
}


class Malformed(ValueError):
    """The words may be shown to whoever wrote the detail."""


def parse_details(raw: str, *, types: Collection[str]) -> tuple[Detail, ...]:
    """Read the parameter: a JSON array of objects, each of one of ``types``.

    Raises InvalidAuthorizationDetails for whatever is not exactly that: an unknown type or
    member, a missing one, a value out of its form, two details of one kind (RFC 9396 section 5).
    """
    if len(raw.encode()) > MOST_BYTES:
        raise InvalidAuthorizationDetails(f"authorization_details are longer than {MOST_BYTES} bytes")
    try:
        return read_details(strict_json.loads(raw, max_depth=MAX_DEPTH), types=types)
    except Malformed as wrong:
        raise InvalidAuthorizationDetails(str(wrong)) from None
    except ValueError:
        raise InvalidAuthorizationDetails("authorization_details are not JSON that we read") from None


def read_details(value: object, *, types: Collection[str] | None = None) -> tuple[Detail, ...]:
    """The details of a JSON value: of a claim, a row or a form. Raises Malformed."""
    if not isinstance(value, Sequence) or isinstance(value, str) or not value:
        raise Malformed("authorization_details are a list of objects, with one at least")
    if len(value) > MOST_DETAILS:
        raise Malformed(f"there are more than {MOST_DETAILS} authorization_details")
    details = tuple(_detail(item, TYPES if types is None else types) for item in value)
    if len({_kind(detail) for detail in details}) != len(details):
        raise Malformed("two authorization_details are of one kind: say it in one")
    return details


def narrow_details(held: Sequence[Detail], asked: Sequence[Detail]) -> tuple[Detail, ...]:
    """What the new token carries: what is asked, or all that is held where nothing is.

    Each detail that is held bears one that is asked and no more, so that a limit cannot be
    had twice by asking for two parts of it.

    Raises InvalidAuthorizationDetails, naming what no held detail bears (EX-13, RFC 9396
    section 6).
    """
    if not asked:
        return tuple(held)
    bearers: dict[int, int] = {}
    for index, detail in enumerate(asked):
        if not _bear(index, held, asked, bearers, set()):
            raise InvalidAuthorizationDetails(
                f"wider than what is held: {detail.words()}", uri_reason="details_too_wide"
            )
    return tuple(asked)


def meet_details(one: Sequence[Detail], other: Sequence[Detail]) -> tuple[Detail, ...]:
    """What two holders of details both allow: of a token and of its agent at another service.

    Each detail of either side is used once at most, so nothing adds up to more.
    """
    left = list(other)
    met: dict[tuple[object, ...], Detail] = {}
    for detail in one:
        for candidate in left:
            found = detail.meet(candidate)
            if found is not None and _kind(found) not in met:
                met[_kind(found)] = found
                left.remove(candidate)
                break
    return tuple(met.values())


def details_claim(details: Sequence[Detail]) -> list[dict[str, Any]] | None:
    """The claim ``authorization_details``; None, so that it is left out, where there are none."""
    return [detail.claim() for detail in details] or None


def _bear(
    index: int,
    held: Sequence[Detail],
    asked: Sequence[Detail],
    bearers: dict[int, int],
    tried: set[int],
) -> bool:
    """Find a held detail for ``asked[index]``, moving others to another one where that helps."""
    for place, bearer in enumerate(held):
        if place in tried or not bearer.covers(asked[index]):
            continue
        tried.add(place)
        if place not in bearers or _bear(bearers[place], held, asked, bearers, tried):
            bearers[place] = index
            return True
    return False


def _detail(value: object, types: Collection[str]) -> Detail:
    if not isinstance(value, Mapping):
        raise Malformed("each of authorization_details is an object")
    name = value.get("type")
    if not isinstance(name, str) or name not in types or name not in TYPES:
        known = " ".join(sorted(set(types) & TYPES.keys()))
        raise Malformed(f"type of authorization_details is one of: {known or 'none is known here'}")
    return TYPES[name](value)


def _read_spend(value: Mapping[str, Any]) -> Spend:
    _check_members(value, {"type", "currency", "amount", "period"}, {"locations"})
    decimals = decimals_of(value["currency"]) if isinstance(value["currency"], str) else None
    if decimals is None:
        raise Malformed("currency is an ISO 4217 code in capitals")
    amount = _amount(value["amount"], decimals)
    return Spend(value["currency"], amount, _period(value["period"]), _locations(value))


def _read_data(value: Mapping[str, Any]) -> Data:
    _check_members(value, {"type", "datatypes"}, {"volume", "period", "locations"})
    if ("volume" in value) != ("period" in value):
        raise Malformed("volume comes with period, and neither without the other")
    kinds = _names(value["datatypes"], "datatypes", DATATYPE.fullmatch)
    if "volume" not in value:
        return Data(kinds, locations=_locations(value))
    volume = value["volume"]
    if type(volume) is not int or not 1 <= volume <= MOST_VOLUME:
        raise Malformed("volume is a whole number of bytes, one at least")
    return Data(kinds, volume, _period(value["period"]), _locations(value))


TYPES: Mapping[str, Callable[[Mapping[str, Any]], Detail]] = {"data": _read_data, "spend": _read_spend}
"""The registry: ``authorization_details_types_supported`` is its keys."""


def _check_members(value: Mapping[str, Any], required: set[str], optional: set[str]) -> None:
    if missing := required - value.keys():
        raise Malformed(f"missing in authorization_details: {' '.join(sorted(missing))}")
    if value.keys() - required - optional:
        members = " ".join(sorted(required | optional))
        raise Malformed(f"members of such authorization_details are: {members}")


def _amount(value: object, decimals: int) -> Decimal:
    if not isinstance(value, str) or not AMOUNT.fullmatch(value):
        raise Malformed("amount is a decimal number in a string, such as 12.50")
    _, _, fraction = value.partition(".")
    if len(fraction) > decimals:
        raise Malformed(f"amount has more than the {decimals} decimals of its currency")
    if (amount := Decimal(value)) == 0:
        raise Malformed("amount is more than nothing")
    return amount


def _period(value: object) -> str:
    if value not in PERIODS or not isinstance(value, str):
        raise Malformed(f"period is one of: {' '.join(PERIODS)}")
    return value


def _locations(value: Mapping[str, Any]) -> frozenset[str] | None:
    if "locations" not in value:
        return None
    return _names(value["locations"], "locations", is_absolute_uri)


def _names(value: object, member: str, is_good: Callable[[str], object]) -> frozenset[str]:
    if not isinstance(value, Sequence) or isinstance(value, str) or not 1 <= len(value) <= MOST_NAMES:
        raise Malformed(f"{member} is a list of 1 to {MOST_NAMES} strings")
    for name in value:
        if not isinstance(name, str) or len(name) > MOST_CHARACTERS or not is_good(name):
            raise Malformed(f"{member} holds something that is none")
    names = frozenset(value)
    if len(names) != len(value):
        raise Malformed(f"{member} names something twice")
    return names


def _kind(detail: Detail) -> tuple[object, ...]:
    """What two details must not have in common, or they could be added up."""
    if isinstance(detail, Spend):
        return "spend", detail.currency, detail.period, detail.locations
    return "data", detail.datatypes, detail.period, detail.locations


def _within(asked: frozenset[str] | None, held: frozenset[str] | None) -> bool:
    return held is None or (asked is not None and asked <= held)


def _shared(one: frozenset[str] | None, other: frozenset[str] | None) -> tuple[frozenset[str] | None, bool]:
    """The places of both, and whether there is none."""
    if one is None or other is None:
        return (one if other is None else other), False
    return one & other, not one & other


def _at(locations: frozenset[str] | None) -> str:
    return "" if locations is None else f" at {' and '.join(sorted(locations))}"
