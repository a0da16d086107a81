"""How the story is told: numbered steps, what was sent, what came back, and whether it held."""

import json
import sys
import time
from typing import Any

SHORT = 100


class DoesNotHold(AssertionError):
    """A step of the story came out otherwise than it must."""


class Teller:
    """Prints as it goes; keeps what held, for the JSON at the end."""

    def __init__(self, *, quiet: bool = False) -> None:
        self.quiet = quiet
        self.steps: list[dict[str, Any]] = []
        self.began = time.monotonic()

    def step(self, number: int, title: str) -> None:
        self.steps.append({"step": number, "title": title, "held": []})
        self._print(f"\n{number}. {title}")

    def sent(self, words: str) -> None:
        self._print(f"   → {shorten(words)}")

    def came(self, words: str) -> None:
        self._print(f"   ← {shorten(words)}")

    def holds(self, what: str, condition: object, seen: object = "") -> None:
        """Say that ``what`` is so; stop the story when it is not."""
        if not condition:
            raise DoesNotHold(f"step {self.steps[-1]['step']}: {what}; seen: {seen!r}")
        self.steps[-1]["held"].append(what)
        self._print(f"   ✓ {what}")

    def summary(self) -> str:
        seconds = round(time.monotonic() - self.began, 1)
        return json.dumps({"told": True, "seconds": seconds, "steps": self.steps}, indent=2)

    def _print(self, line: str) -> None:
        if not self.quiet:
            sys.stdout.write(line + "\n")
            sys.stdout.flush()


def shorten(words: str) -> str:
    words = " ".join(words.split())
    return words if len(words) <= SHORT * 2 else f"{words[: SHORT * 2]}…"
