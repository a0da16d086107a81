"""How well clusters fit the truth: precision, recall of each attacker, innocents that were hit."""

from collections import Counter, defaultdict
from collections.abc import Mapping
from math import comb

from benchmarks.linkage.world import Truth


def score(truth: Mapping[str, Truth], clusters: Mapping[str, str]) -> dict[str, object]:
    """``clusters`` gives an account's cluster; an account without one stands alone."""
    members: dict[str, list[Truth]] = defaultdict(list)
    for account, cluster in clusters.items():
        members[cluster].append(truth[account])
    pairs = right = 0
    b_cubed: list[float] = []
    strangers: Counter[str] = Counter()
    hydras: Counter[str] = Counter()
    for found in members.values():
        actors = Counter(one.actor for one in found)
        pairs += comb(len(found), 2)
        right += sum(comb(count, 2) for count in actors.values())
        attackers = Counter(one.actor for one in found if one.attacker)
        for one in found:
            b_cubed.append(actors[one.actor] / len(found))
            if not one.attacker:
                strangers[one.type] += actors[one.actor] < len(found)
                hydras[one.type] += bool(attackers)
    innocents = Counter(one.type for one in truth.values() if not one.attacker)
    return {
        "pair_precision": right / pairs if pairs else 1.0,
        "b_cubed_precision": sum(b_cubed) / len(b_cubed) if b_cubed else 1.0,
        "recall": _recall(truth, clusters),
        "with_strangers": sum(strangers.values()) / sum(innocents.values()),
        "with_a_hydra": sum(hydras.values()) / sum(innocents.values()),
        "strangers_by_type": {
            type: f"{strangers[type]}/{count}" for type, count in innocents.items() if strangers[type]
        },
    }


def _recall(truth: Mapping[str, Truth], clusters: Mapping[str, str]) -> dict[str, float]:
    """For each type of attacker the mean share of an attacker's accounts in its main cluster."""
    by_actor: dict[str, list[str]] = defaultdict(list)
    for one in truth.values():
        if one.attacker:
            by_actor[one.actor].append(one.account)
    shares: dict[str, list[float]] = defaultdict(list)
    for accounts in by_actor.values():
        found = Counter(clusters[one] for one in accounts if one in clusters)
        main = found.most_common(1)
        by_type: dict[str, list[str]] = defaultdict(list)
        for one in accounts:
            by_type[truth[one].type].append(one)
        for type, ones in by_type.items():
            inside = sum(clusters.get(one) == main[0][0] for one in ones) if main else 0
            shares[type].append(inside / len(ones))
    found_shares = {type: sum(found) / len(found) for type, found in sorted(shares.items())}
    found_shares["mean"] = sum(found_shares.values()) / len(found_shares)
    return found_shares
