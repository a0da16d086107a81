"""25,000 accounts of one actor and 5,000 innocents through the admission code, hour by hour.

    python -m benchmarks.hydra [--hours 8] [--found-at 4] [--write]

What one hour costs is the same for every hour: the default is four hours before and after the moment
at which the accounts are found linked. ``--hours 1080 --found-at 72`` is the whole campaign of 45 days.
"""

import argparse
import json
import os
import time
from pathlib import Path

import django

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "config.settings")
django.setup()

from benchmarks.hydra.people import EACH_ACCOUNT, askers  # noqa: E402
from benchmarks.hydra.picture import draw  # noqa: E402
from benchmarks.hydra.replay import Hour, replay  # noqa: E402

PICTURE = Path(__file__).parent.parent.parent / "docs" / "images" / "hydra.svg"


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--hours", type=int, default=8)
    parser.add_argument("--found-at", type=int, default=4, help="the hour at which they are found linked")
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--write", action="store_true", help="draw docs/images/hydra.svg")
    options = parser.parse_args()
    crowd = askers(options.seed)
    began = time.process_time()
    alone = replay(crowd, hours=options.hours, found_at=None, seed=options.seed)
    ours = replay(crowd, hours=options.hours, found_at=options.found_at, seed=options.seed)
    spent = time.process_time() - began
    tell("per credential alone", alone)
    tell("ours, before linkage", ours[: options.found_at])
    tell("ours, after linkage", ours[options.found_at :])
    decisions = sum(hour.hydra_asked + hour.innocents_asked for hour in (*alone, *ours))
    print(
        json.dumps(
            {"decisions": decisions, "cpu_seconds": round(spent, 1), "a_cpu_second": int(decisions / spent)}
        )
    )
    if options.write:
        hydra = ([hour.hydra_let for hour in alone], [hour.hydra_let for hour in ours])
        PICTURE.write_text(draw(*hydra, found_at=options.found_at, budget=EACH_ACCOUNT[0].quota // 24))


def tell(name: str, hours: list[Hour]) -> None:
    total = {field: sum(getattr(hour, field) for hour in hours) for field in Hour.__dataclass_fields__}
    if not hours:
        return
    print(
        json.dumps(
            {
                "limits": name,
                "hours": len(hours),
                "hydra_asked_an_hour": total["hydra_asked"] // len(hours),
                "hydra_let_an_hour": total["hydra_let"] // len(hours),
                "innocents_lost": total["innocents_asked"] - total["innocents_let"],
                "innocents_lost_percent": round(
                    100 * (1 - total["innocents_let"] / max(total["innocents_asked"], 1)), 3
                ),
                "of_them_wrongly_linked_lost": total["pooled_asked"] - total["pooled_let"],
                "wrongly_linked_asked": total["pooled_asked"],
            }
        ),
        flush=True,
    )


if __name__ == "__main__":
    main()
