"""The words of AuthZEN 1.0 (STANDARDS section 16): requests read, answers written. No HTTP."""

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from passport.decisions.evaluate import MOST_TOKENS, MOST_UNITS, Asked, Decision, context_of
from passport.jose import strict_json

MAX_BYTES = 64 * 1024
MAX_ITEMS = 100
MAX_TEXT = 512
SEMANTICS: Mapping[str, bool | None] = {
    "execute_all": None,
    "deny_on_first_deny": False,
    "permit_on_first_permit": True,
}
"""After which decision a batch ends; None: after the last."""
MEMBERS = ("subject", "action", "resource", "context")


class BadRequest(ValueError):
    """The request cannot be read. The message may be shown."""


@dataclass(frozen=True, slots=True)
class Question:
    """One evaluation that can be read."""

    asked: Asked
    subject_type: str
    resource_type: str
    resource_id: str

    def is_about(self, audience: str) -> bool:
        """Whether it asks what we can answer to the service with that audience (AZ-03)."""
        return (self.subject_type, self.resource_type, self.resource_id) == ("agent", "service", audience)


@dataclass(frozen=True, slots=True)
class Batch:
    """Several questions; each is read when its turn comes, so that one bad item spoils no other."""

    items: tuple[Mapping[str, Any], ...]
    ends_at: bool | None


def read_body(body: bytes) -> dict[str, Any]:
    """Raises BadRequest."""
    try:
        return strict_json.loads_object(body)
    except ValueError as wrong:
        raise BadRequest(f"not a JSON object: {wrong}") from wrong


def read_question(content: Mapping[str, Any]) -> Question:
    """Unknown members are ignored (AZ-08). Raises BadRequest (AZ-01)."""
    subject, action, resource = (_object(content, name) for name in MEMBERS[:3])
    context = content.get("context", {})
    if not isinstance(context, dict):
        raise BadRequest("context must be an object")
    asked = Asked(
        agent_id=_text(subject, "subject", "id"),
        scope=_text(action, "action", "name"),
        units=read_units(context.get("cost", 1), "context.cost"),
        model_tokens=read_tokens(context.get("tokens", 0)),
    )
    return Question(
        asked,
        subject_type=_text(subject, "subject", "type"),
        resource_type=_text(resource, "resource", "type"),
        resource_id=_text(resource, "resource", "id"),
    )


def read_batch(content: Mapping[str, Any]) -> Batch | None:
    """The items with the defaults of the whole filled in; None where it is a single request (AZ-08).

    Raises BadRequest for more than 100 items, or an unknown semantic.
    """
    items = content.get("evaluations", [])
    if not isinstance(items, list):
        raise BadRequest("evaluations must be an array")
    options = content.get("options", {})
    if not isinstance(options, dict):
        raise BadRequest("options must be an object")
    semantic = options.get("evaluations_semantic", "execute_all")
    if not isinstance(semantic, str) or semantic not in SEMANTICS:
        raise BadRequest(f"evaluations_semantic is one of: {', '.join(SEMANTICS)}")
    if len(items) > MAX_ITEMS:
        raise BadRequest(f"more than {MAX_ITEMS} evaluations")
    if not items:
        return None
    defaults = {name: content[name] for name in MEMBERS if name in content}
    filled = ({**defaults, **item} if isinstance(item, dict) else {} for item in items)
    return Batch(tuple(filled), SEMANTICS[semantic])


def answer_batch(batch: Batch, decide: Callable[[Question], Decision]) -> Iterator[dict[str, Any]]:
    """The answers in order, up to the one that ends the batch. A bad item is a denial that says why."""
    for item in batch.items:
        try:
            answer = answer_of(decide(read_question(item)))
        except BadRequest as bad:
            answer = {"decision": False, "context": {"error": {"status": 400, "message": str(bad)}}}
        yield answer
        if answer["decision"] is batch.ends_at:
            return


def answer_of(decision: Decision) -> dict[str, Any]:
    context = context_of(decision)
    answer: dict[str, Any] = {"decision": decision.granted}
    return {**answer, "context": context} if context else answer


def read_units(value: Any, name: str) -> int:
    """Raises BadRequest: ``true`` is no number of units."""
    if type(value) is not int or not 1 <= value <= MOST_UNITS:
        raise BadRequest(f"{name} must be a whole number from 1 to {MOST_UNITS}")
    return value


def read_tokens(value: Any) -> int:
    """Model tokens that the request takes. Raises BadRequest."""
    if type(value) is not int or not 0 <= value <= MOST_TOKENS:
        raise BadRequest(f"context.tokens must be a whole number from 0 to {MOST_TOKENS}")
    return value


def _object(content: Mapping[str, Any], name: str) -> dict[str, Any]:
    value = content.get(name)
    if not isinstance(value, dict):
        raise BadRequest(f"{name} must be an object")
    return value


def _text(content: Mapping[str, Any], of: str, name: str) -> str:
    value = content.get(name)
    if not isinstance(value, str) or not 1 <= len(value) <= MAX_TEXT:
        raise BadRequest(f"{of}.{name} must be a string of 1 to {MAX_TEXT} characters")
    return value
