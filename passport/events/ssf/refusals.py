"""Why a call of a receiver is refused. The description is shown to it."""

from collections.abc import Mapping
from typing import ClassVar


class StreamRefused(Exception):
    status: ClassVar[int] = 400
    kind: ClassVar[str] = "invalid-request"

    def __init__(self, description: str, *, headers: Mapping[str, str] | None = None) -> None:
        super().__init__(description)
        self.description = description
        self.headers = dict(headers or {})


class BadCall(StreamRefused):
    """400."""


class UnknownStream(StreamRefused):
    """404: there is none, or it is another's; both sound the same."""

    status = 404
    kind = "unknown-stream"

    def __init__(self) -> None:
        super().__init__("there is no such stream")


class TooManyStreams(StreamRefused):
    status = 409
    kind = "too-many-streams"


class TooLong(StreamRefused):
    status = 413
    kind = "too-long"


class TooOften(StreamRefused):
    status = 429
    kind = "too-often"
