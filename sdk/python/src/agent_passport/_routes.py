"""Which scope a route needs. A route that nobody named is refused: a forgotten one is closed, not open."""

from collections.abc import Callable, Collection, Mapping
from dataclasses import dataclass

from agent_passport._refusals import Refused


@dataclass(frozen=True, slots=True)
class Need:
    """What a route asks for. ``cost``: units of the scope's limit that one call takes.

    ``scope`` None: any good token for this service will do, and nothing is counted.
    """

    scope: str | None
    cost: int = 1


Rules = Mapping[str, str | Need] | Callable[[str, str], "str | Need | None"]
"""``{"POST /infer": "model:infer"}``, or a function of method and path: None where nobody may go."""


class Routes:
    def __init__(self, rules: Rules, open_paths: Collection[str] = ()) -> None:
        self._rules = rules
        self._open_paths = frozenset(open_paths)

    def is_open(self, path: str) -> bool:
        return path in self._open_paths

    def need(self, method: str, path: str) -> Need:
        """``path`` is decoded. HEAD is answered like GET. Raises Refused."""
        method = "GET" if method == "HEAD" else method
        rules = self._rules
        found = rules(method, path) if callable(rules) else rules.get(f"{method} {path}")
        if found is None:
            raise Refused("insufficient_scope", "no scope leads here")
        return Need(found) if isinstance(found, str) else found
