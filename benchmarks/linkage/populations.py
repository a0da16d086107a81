"""Two populations made with different assumptions: rules are tuned on one and reported on the other."""

from benchmarks.linkage.attackers import Attackers, Craft
from benchmarks.linkage.people import Habits, People
from benchmarks.linkage.world import World

CITY = (
    Habits(document=0.35, social=0.45, phone=0.7, card=0.8, sessions=8, home_prefixes=0.05,
           templates=0.15, resold=0.04, recycled=0.03, mixed_devices=0.3),
    Craft(accounts=(30, 120), proxies=80, spread_days=40, proven=0.1, common_template=0.5, visits=6,
          step_days=12),
)  # fmt: skip
REGISTER = (
    Habits(document=0.12, social=0.25, phone=0.5, card=0.55, sessions=2, home_prefixes=0.15,
           templates=0.0, resold=0.12, recycled=0.06, mixed_devices=0.6),
    Craft(accounts=(15, 200), proxies=300, spread_days=150, proven=0.12, common_template=0.0, visits=2,
          step_days=8),
)  # fmt: skip
POPULATIONS = {"city": CITY, "register": REGISTER}


def make(name: str, *, size: int, seed: int) -> World:
    """A population of about ``size`` accounts; roughly one in seven is an attacker's."""
    habits, craft = POPULATIONS[name]
    world = World(seed)
    people = People(world, habits, int(size * 0.86))
    people.fill()
    each = 14.5 * sum(craft.accounts) / 2
    Attackers(people, craft).attack(max(1, round(size * 0.14 / each)))
    return world
