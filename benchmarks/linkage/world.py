"""What a generated population is made of: accounts, what they are seen with, and who they really are."""

from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from random import Random

BEGIN = datetime(2026, 1, 5, tzinfo=UTC)
DAYS = 300
SLOTS = 288


@dataclass(frozen=True, slots=True)
class Truth:
    account: str
    actor: str
    """Accounts of one actor, household or company carry the same one."""
    type: str
    attacker: bool


@dataclass
class World:
    """Collects what is seen, in no order; ``lines`` gives it in order of time."""

    seed: int
    random: Random = field(init=False)
    seen: list[tuple[float, str, str, str]] = field(default_factory=list)
    truth: dict[str, Truth] = field(default_factory=dict)
    numbers: dict[str, int] = field(default_factory=dict)

    def __post_init__(self) -> None:
        self.random = Random(self.seed)

    def fresh(self, noun: str) -> str:
        """A value nobody had before."""
        self.numbers[noun] = self.numbers.get(noun, 0) + 1
        return f"{noun}-{self.numbers[noun]}"

    def account(self, actor: str, type: str, *, attacker: bool = False) -> str:
        while (name := f"acc_{self.random.randrange(36**6):09d}") in self.truth:
            pass
        self.truth[name] = Truth(name, actor, type, attacker)
        return name

    def see(self, account: str, kind: str, value: str, day: float) -> None:
        self.seen.append((min(max(day, 0.0), DAYS + 2.0), account, kind, value))

    def chance(self, share: float) -> bool:
        return self.random.random() < share

    def active(self, account: str, day: int, slots: set[int]) -> None:
        bits = sum(1 << (SLOTS - 1 - slot) for slot in slots)
        date = (BEGIN + timedelta(days=day)).date()
        self.see(account, "traffic", f"active:{date}:{bits:072x}", day + 0.99)

    def lines(self) -> Iterator[dict[str, str]]:
        """The signal log, in order of time."""
        for day, account, kind, value in sorted(self.seen):
            at = BEGIN + timedelta(days=day)
            yield {
                "account": account,
                "kind": kind,
                "value": value,
                "time": at.strftime("%Y-%m-%dT%H:%M:%SZ"),
            }
