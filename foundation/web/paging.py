"""Lists in pages by key: the next page begins after the last row shown, so nothing counts or skips rows."""

import json
from base64 import urlsafe_b64decode, urlsafe_b64encode
from dataclasses import dataclass
from typing import Any

from django.core.exceptions import FieldDoesNotExist, ValidationError
from django.db.models import Field, Model, Q, QuerySet
from django.http import HttpRequest

MOST_CURSOR_CHARACTERS = 512


@dataclass(frozen=True, slots=True)
class Page[M: Model]:
    rows: list[M]
    next_url: str | None
    """A query string that keeps the filters, or None on the last page."""
    previous_url: str | None


def keyset[M: Model](
    queryset: QuerySet[M], request: HttpRequest, *, key: str = "-pk", size: int = 50
) -> Page[M]:
    """One page of ``queryset`` ordered by ``key`` and, where that is not unique, by pk in the same direction.

    Reads ``size + 1`` rows. The place is in the query string (``after`` or ``before``); a place
    that cannot be read is the first page. ``key`` must not be null in any row.
    """
    name, descending = key.removeprefix("-"), key.startswith("-")
    names = ["pk"] if name == "pk" else [name, "pk"]
    before = _read_cursor(queryset.model, names, request.GET.get("before", ""))
    after = _read_cursor(queryset.model, names, request.GET.get("after", "")) if not before else None
    backwards = before is not None
    place = before or after
    if place:
        queryset = queryset.filter(_beyond(names, place, lower=descending != backwards))
    sign = "-" if descending != backwards else ""
    found = list(queryset.order_by(*(sign + part for part in names))[: size + 1])
    more = len(found) > size
    rows = found[:size][::-1] if backwards else found[:size]
    has_next, has_previous = (True, more) if backwards else (more, after is not None)
    return Page(
        rows,
        _link(request, "after", names, rows[-1]) if rows and has_next else None,
        _link(request, "before", names, rows[0]) if rows and has_previous else None,
    )


def _beyond(names: list[str], place: list[Any], *, lower: bool) -> Q:
    compare = "lt" if lower else "gt"
    if len(names) == 1:
        return Q(**{f"pk__{compare}": place[0]})
    first, pk = place
    return Q(**{f"{names[0]}__{compare}": first}) | Q(**{names[0]: first, f"pk__{compare}": pk})


def _link(request: HttpRequest, direction: str, names: list[str], row: Model) -> str:
    query = request.GET.copy()
    query.pop("after", None)
    query.pop("before", None)
    values = [_field(type(row), name).value_to_string(row) for name in names]
    query[direction] = urlsafe_b64encode(json.dumps(values).encode()).decode().rstrip("=")
    return f"?{query.urlencode()}"


def _read_cursor(model: type[Model], names: list[str], raw: str) -> list[Any] | None:
    """The values of the place, or None for anything we did not write ourselves."""
    if not raw or len(raw) > MOST_CURSOR_CHARACTERS:
        return None
    try:
        values = json.loads(urlsafe_b64decode(raw + "=" * (-len(raw) % 4)))
        if not isinstance(values, list) or len(values) != len(names):
            return None
        return [_field(model, name).clean(value, None) for name, value in zip(names, values, strict=True)]
    except (ValueError, TypeError, OverflowError, RecursionError, ValidationError, FieldDoesNotExist):
        return None


def _field(model: type[Model], name: str) -> "Field[Any, Any]":
    found = model._meta.pk if name == "pk" else model._meta.get_field(name)
    if not isinstance(found, Field):
        raise FieldDoesNotExist(f"{name} is not a field of {model.__name__}")
    return found
