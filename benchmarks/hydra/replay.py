"""The requests through the admission code of the server: its policies, its buckets, its in-process store."""

from collections.abc import Sequence
from dataclasses import dataclass

from benchmarks.hydra.people import BEGIN, EACH_ACCOUNT, EACH_AGENT, Asker, hour_of_requests
from passport.admission.contract import Admission
from passport.admission.memory import MemoryStore
from passport.limits.buckets import Bucket
from passport.limits.policies import Policy, buckets_for

SINCE_US = 1


@dataclass(slots=True)
class Hour:
    """Units asked and let through in one hour."""

    hydra_asked: int = 0
    hydra_let: int = 0
    innocents_asked: int = 0
    innocents_let: int = 0
    pooled_asked: int = 0
    """By innocents who are linked to the hydra, wrongly."""
    pooled_let: int = 0

    def count(self, asker: Asker, taken: bool) -> None:
        if asker.is_hydra:
            self.hydra_asked += 1
            self.hydra_let += taken
            return
        self.innocents_asked += 1
        self.innocents_let += taken
        if asker.linked:
            self.pooled_asked += 1
            self.pooled_let += taken


def replay(crowd: Sequence[Asker], *, hours: int, found_at: int | None, seed: int) -> list[Hour]:
    """``found_at``: the hour from which the hydra's accounts are known to be one; None: credentials alone."""
    store = MemoryStore()
    store.mark(SINCE_US)
    rows = EACH_AGENT if found_at is None else EACH_AGENT + EACH_ACCOUNT
    counted = []
    held: list[tuple[Bucket, ...]] = []
    for number in range(hours):
        found = found_at is not None and number >= found_at
        if number in (0, found_at):
            held = [_buckets(asker, rows, found=found) for asker in crowd]
        hour = Hour()
        for now_us, place in hour_of_requests(crowd, number, seed):
            verdict = store.admit(Admission("p000", (), held[place], None, now_us), SINCE_US)
            hour.count(crowd[place], verdict.taken)
        counted.append(hour)
    return counted


def _buckets(asker: Asker, rows: Sequence[Policy], *, found: bool) -> tuple[Bucket, ...]:
    return buckets_for(
        asker.holder(found=found),
        rows,
        service_id="svc",
        scope="model:infer",
        cost=1,
        now=BEGIN,
        organisation_most=10,
    )
