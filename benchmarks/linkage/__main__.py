"""How well and at what cost linkage finds attackers, by its own commands on a fresh database.

    python -m benchmarks.linkage [--population city|register] [--size 50000] [--seed 2]

Rules were tuned on ``city``, seeds 1 and 3; other seeds, and ``register``, are the report. Two peers
run on the same lines: union of what at most ten share, and weights of pairs.
"""

import argparse
import json
import os
import resource
import subprocess
import sys
import tempfile
from pathlib import Path

from benchmarks.linkage.peers import pair_weights, union_find
from benchmarks.linkage.populations import POPULATIONS, make
from benchmarks.linkage.scoring import score
from benchmarks.linkage.world import World


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--population", choices=POPULATIONS, default="register")
    parser.add_argument("--size", type=int, default=50_000)
    parser.add_argument("--seed", type=int, default=2)
    options = parser.parse_args()
    world = make(options.population, size=options.size, seed=options.seed)
    with tempfile.TemporaryDirectory() as folder:
        found = run(world, Path(folder))
    ways = {"linkage": found}
    if options.size <= 100_000:
        ways |= {"union_find": union_find(world.lines()), "pair_weights": pair_weights(world.lines())}
    for way, clusters in ways.items():
        print(json.dumps({"way": way, **score(world.truth, clusters)}))


def run(world: World, folder: Path) -> dict[str, str]:
    """Accounts and their clusters, by the commands; each prints what it cost."""
    log, out = folder / "signals.jsonl", folder / "clusters.jsonl"
    with log.open("w") as file:
        lines = sum(bool(file.write(json.dumps(line) + "\n")) for line in world.lines())
    print(json.dumps({"accounts": len(world.truth), "lines": lines, "bytes": log.stat().st_size}))
    environment = {**os.environ, "AP_MODE": "embedded", "DATA_DIR": str(folder / "data")}
    environment.pop("AP_DATABASE_URL", None)
    command(["migrate"], environment)
    command(["import_signals", str(log)], environment)
    command(["rebuild_clusters"], environment)
    command(["export_clusters", str(out), "--explain", str(folder / "why.jsonl")], environment)
    rows = map(json.loads, out.open())
    return {row["account"]: row["cluster"] for row in rows}


def command(arguments: list[str], environment: dict[str, str]) -> None:
    before = resource.getrusage(resource.RUSAGE_CHILDREN)
    subprocess.run(
        [sys.executable, "manage.py", *arguments], env=environment, check=True, capture_output=True
    )
    after = resource.getrusage(resource.RUSAGE_CHILDREN)
    cost = {
        "command": arguments[0],
        "cpu_seconds": round(after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime, 1),
        "largest_mb_so_far": after.ru_maxrss // 1024,
    }
    print(json.dumps(cost), flush=True)


if __name__ == "__main__":
    main()
