"""Reads the JSON object of a request, member by member, and says all that is wrong with it at once."""

from collections.abc import Mapping
from typing import Any, Final

from django.http import HttpRequest

from foundation.web.bodies import BodyTooLong, BodyUnreadable, read_body
from passport.api.refusals import ApiRefused, Fault
from passport.jose import strict_json

MOST_BYTES: Final = 64 * 1024


def read_object(request: HttpRequest) -> tuple[bytes, dict[str, Any]]:
    """The body, and the object that it spells. Raises ApiRefused (400, 413, 415)."""
    media_type = request.headers.get("Content-Type", "").partition(";")[0].strip().lower()
    if media_type != "application/json":
        raise ApiRefused(415, "content-type", "send a JSON object as application/json")
    try:
        body = read_body(request, MOST_BYTES)
    except BodyTooLong:
        raise ApiRefused(413, "too-long", f"the body is longer than {MOST_BYTES} bytes") from None
    except BodyUnreadable:
        raise ApiRefused(400, "invalid-request", "the body could not be read") from None
    try:
        return body, strict_json.loads_object(body)
    except ValueError as bad:
        raise ApiRefused(400, "invalid-request", f"the body is not one JSON object: {bad}") from None


class Members:
    """The members of an object. What is wrong is collected; ``check`` then raises all of it.

    A value of the wrong type reads as the empty one, so that reading goes on.
    """

    def __init__(self, given: Mapping[str, Any], *, known: frozenset[str]) -> None:
        self._given = given
        self.faults = [
            Fault(f"/{pointer(name)}", "there is no such member here")
            for name in sorted(given.keys() - known)
        ]

    def __contains__(self, name: object) -> bool:
        return name in self._given

    def text(self, name: str, *, most: int, required: bool = False, default: str = "") -> str:
        value = self._given.get(name, default)
        if name not in self._given and required:
            self.fault(name, "is missing")
        elif not isinstance(value, str):
            self.fault(name, "is a string")
        elif len(value) > most:
            self.fault(name, f"has at most {most} characters")
        else:
            return value
        return default

    def choice(self, name: str, *, among: tuple[str, ...], default: str | None = None) -> str:
        value = self._given.get(name, default)
        if isinstance(value, str) and value in among:
            return value
        self.fault(name, f"is one of: {', '.join(among)}")
        return among[0]

    def flag(self, name: str, *, default: bool) -> bool:
        value = self._given.get(name, default)
        if not isinstance(value, bool):
            self.fault(name, "is true or false")
            return default
        return value

    def object(self, name: str) -> Mapping[str, Any] | None:
        value = self._given.get(name)
        if name in self._given and not isinstance(value, dict):
            self.fault(name, "is an object")
            return None
        return value

    def objects(self, name: str, *, most: int) -> list[Mapping[str, Any]]:
        value = self._given.get(name, [])
        if not isinstance(value, list) or not all(isinstance(one, dict) for one in value):
            self.fault(name, "is a list of objects")
            return []
        return self._short(name, value, most)

    def texts(self, name: str, *, most: int, required: bool = False) -> list[str]:
        value = self._given.get(name, [])
        if name not in self._given and required:
            self.fault(name, "is missing")
        if not isinstance(value, list) or not all(isinstance(one, str) for one in value):
            self.fault(name, "is a list of strings")
            return []
        return self._short(name, value, most)

    def fault(self, name: str, detail: str) -> None:
        self.faults.append(Fault(f"/{pointer(name)}", f"{name} {detail}"))

    def check(self) -> None:
        """Raises ApiRefused (422), naming every fault."""
        if self.faults:
            raise ApiRefused(
                422,
                "invalid-member",
                "; ".join(fault.detail for fault in self.faults)[:500],
                faults=self.faults,
            )

    def _short[T](self, name: str, value: list[T], most: int) -> list[T]:
        if len(value) > most:
            self.fault(name, f"has at most {most} entries")
            return []
        return value


def pointer(name: str) -> str:
    """One step of a JSON pointer (RFC 6901 section 3), cut where a stranger made it long."""
    return name.replace("~", "~0").replace("/", "~1")[:80]
