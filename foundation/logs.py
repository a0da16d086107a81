"""How events are logged: one line each on standard error, as JSON in production."""

import logging
import sys
from typing import Any

import structlog


def route_of(request: Any) -> str:
    """How the path of a request is told: as routed, without what the caller put into it."""
    match = getattr(request, "resolver_match", None)
    return f"/{match.route}" if match else "(no route)"


class RoutesForPaths(logging.Filter):
    """In what Django logs of a request, the route stands for the path: a path may hold a one-time code."""

    def filter(self, record: logging.LogRecord) -> bool:
        request = getattr(record, "request", None)
        path = getattr(request, "path", None)
        if path and isinstance(record.args, tuple):
            route = route_of(request)
            written = {path, path.encode("unicode_escape").decode("ascii")}
            record.args = tuple(route if arg in written else arg for arg in record.args)
        return True


def configure(*, as_json: bool, level: str) -> None:
    """Events with keys; identifiers yes, tokens, proofs, documents and e-mail addresses never."""
    structlog.configure(
        processors=[
            structlog.contextvars.merge_contextvars,
            structlog.processors.add_log_level,
            structlog.processors.TimeStamper(fmt="iso", utc=True),
            structlog.processors.format_exc_info,
            structlog.processors.JSONRenderer()
            if as_json
            else structlog.dev.ConsoleRenderer(colors=False, pad_event_to=0),
        ],
        wrapper_class=structlog.make_filtering_bound_logger(logging.getLevelNamesMapping().get(level, 20)),
        logger_factory=to_standard_error,
        cache_logger_on_first_use=False,
    )


def to_standard_error(*_: object) -> structlog.WriteLogger:
    """Looks up the stream each time, so that whoever replaced it is heard."""
    return structlog.WriteLogger(sys.stderr)
