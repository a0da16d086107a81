"""What the command line prints, and with which code it ends. Results on stdout, all else on stderr."""

import json
import sys
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from enum import IntEnum
from typing import Any

import typer

from agent_passport._errors import (
    AgentPassportError,
    ConfigurationError,
    IssuerAnswerInvalid,
    IssuerBusy,
    IssuerUnreachable,
)


class ExitCode(IntEnum):
    """Documented in the README; scripts rely on them."""

    DONE = 0
    REFUSED = 1
    """The issuer or the service said no."""
    USAGE = 2
    """An option, a key file or the environment is wrong."""
    UNREACHABLE = 3
    """No answer, or the server asks to come back later."""
    NOT_VALID = 4
    """The token or passport that was to be verified is not good."""
    UNHEALTHY = 5
    """``doctor`` found something."""


def show(result: Mapping[str, Any], *, as_json: bool) -> None:
    """One result: an object for programs, aligned lines for people. Empty values are left out there."""
    if as_json:
        typer.echo(json.dumps(dict(result), ensure_ascii=False))
        return
    lines = {name.replace("_", " "): value for name, value in result.items() if value not in (None, "", [])}
    width = max(map(len, lines), default=0)
    for name, value in lines.items():
        typer.echo(f"{name:<{width}}  {_words(value)}")


def _words(value: object) -> str:
    if isinstance(value, (list, tuple, set, frozenset)):
        return " ".join(map(str, value))
    return json.dumps(value, ensure_ascii=False) if isinstance(value, dict) else str(value)


@contextmanager
def failures_told(*, as_json: bool) -> Iterator[None]:
    """Turn an error of ours into words, the cure, and an exit code."""
    try:
        yield
    except AgentPassportError as error:
        tell(error, as_json=as_json)
        raise typer.Exit(exit_code(error)) from error


def tell(error: AgentPassportError, *, as_json: bool) -> None:
    if as_json:
        parts = {"error": error.code, "description": error.description, "cure": error.cure}
        if uri := getattr(error, "error_uri", ""):
            parts["error_uri"] = uri
        typer.echo(json.dumps(parts, ensure_ascii=False))
        return
    typer.echo(f"{error.code}: {error.description}", file=sys.stderr)
    for line in (error.cure, getattr(error, "error_uri", "")):
        if line:
            typer.echo(f"  {line}", file=sys.stderr)


def exit_code(error: AgentPassportError) -> ExitCode:
    if isinstance(error, ConfigurationError):
        return ExitCode.USAGE
    if isinstance(error, (IssuerUnreachable, IssuerAnswerInvalid, IssuerBusy)):
        return ExitCode.UNREACHABLE
    return ExitCode.REFUSED
