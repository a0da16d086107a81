"""The attackers of a generated population: each runs many accounts and spreads what would betray them."""

from dataclasses import dataclass, field

from benchmarks.linkage.people import People
from benchmarks.linkage.world import DAYS, World


@dataclass(frozen=True, slots=True)
class Craft:
    """How attackers work; what differs from one population to the other."""

    accounts: tuple[int, int]
    """Fewest and most accounts of an attacker."""
    proxies: int
    """Address ranges of one proxy provider."""
    spread_days: float
    """Over how long an attacker opens its accounts."""
    proven: float
    """Share of accounts with a social identity, bought or made up."""
    common_template: float
    visits: int
    step_days: int
    """Days on which a schedule is followed."""


@dataclass
class Attackers:
    people: People
    craft: Craft
    world: World = field(init=False)

    def __post_init__(self) -> None:
        self.world = self.people.world
        self.providers = [
            [f"proxy-{provider}-{n}" for n in range(self.craft.proxies)] for provider in range(4)
        ]

    def attack(self, rounds: int) -> None:
        for _ in range(rounds):
            for make in (
                self.pooled, self.chain, self.slow, self.buyer, self.framer, self.framers, self.twins,
                self.wave, self.tree, self.star, self.schedule, self.adaptive, self.split_kinds,
            ):  # fmt: skip
                make()

    def number(self) -> int:
        return self.world.random.randint(*self.craft.accounts)

    def open(self, actor: str, type: str, count: int, *, first: float = -1) -> "Ring":
        world = self.world
        first = first if first >= 0 else world.random.uniform(10, DAYS - 20 - self.craft.spread_days)
        ring = Ring(self, actor, type)
        ring.provider = world.random.choice(self.providers)
        ring.template = f"template:{world.random.randrange(2**32):08x}"
        for _ in range(count):
            ring.add(first + world.random.uniform(0, self.craft.spread_days))
        return ring

    def pooled(self) -> None:
        ring = self.open(self.world.fresh("actor"), "pooled", self.number())
        ring.pool("payment_instrument", "card", 6)
        ring.pool("device", "device", 12)

    def chain(self) -> None:
        """Each account shares one thing with the last and another with the one before it."""
        ring = self.open(self.world.fresh("actor"), "chain", self.number())
        nouns = [("payment_instrument", "card"), ("device", "device"), ("phone", "phone")]
        for number in range(len(ring.accounts)):
            kind, noun = nouns[number % 3]
            value = self.world.fresh(noun)
            for one in ring.accounts[number : number + 3]:
                ring.see(one, kind, value)

    def slow(self) -> None:
        ring = self.open(self.world.fresh("actor"), "schedule", self.number())
        ring.in_step()

    schedule = slow

    def buyer(self) -> None:
        """Bought accounts of real people, with their papers; cards and devices of the buyer."""
        ring = self.open(self.world.fresh("actor"), "buyer", self.number())
        for name, born in ring.accounts:
            self.world.see(name, "government_document", self.world.fresh("paper"), born - 20)
            self.world.see(name, "device", self.world.fresh("device"), born - 20)
            if self.world.chance(0.3):
                self.relative(name, born - 30)
        ring.pool("payment_instrument", "card", 8)
        ring.pool("device", "device", 12)

    def relative(self, sold: str, born: float) -> None:
        world, people = self.world, self.people
        one = people.person(world.fresh("actor"), "relative_of_seller", born=max(0.0, born))
        world.see(sold, "device", one.devices[0], one.born + 1)
        world.see(sold, "ip_prefix", one.home, one.born + 1)
        one.live()

    def framer(self) -> None:
        self.frame("framer", 1)

    def framers(self) -> None:
        self.frame("framers", 2)

    def frame(self, type: str, copies: int) -> None:
        """A pooled ring, some of whose accounts copy what innocents have."""
        world = self.world
        ring = self.open(world.fresh("actor"), type, self.number())
        ring.pool("payment_instrument", "card", 6)
        ring.pool("device", "device", 10)
        for _ in range(max(2, len(ring.accounts) // 10)):
            victim = self.people.person(
                world.fresh("actor"), f"framed_by_{copies}", born=world.random.uniform(0, 8)
            )
            victim.card = victim.card or world.fresh("card")
            if world.chance(0.7):
                world.see(victim.name, "government_document", world.fresh("paper"), victim.born + 1)
            victim.live()
            for account, born in world.random.sample(ring.accounts, copies):
                world.see(account, "payment_instrument", victim.card, max(born, victim.born + 15))
                world.see(account, "device", victim.devices[0], max(born, victim.born + 15))

    def twins(self) -> None:
        """Two attackers with one proxy provider."""
        rings = [self.open(self.world.fresh("actor"), "twin", self.number()) for _ in range(2)]
        for ring in rings:
            ring.provider = rings[0].provider
            ring.pool("payment_instrument", "card", 6)
            ring.pool("device", "device", 12)

    def wave(self) -> None:
        """A ring, and the second wave after its revocation: new cards, a few old devices and addresses."""
        actor, world = self.world.fresh("actor"), self.world
        first = self.open(actor, "first_wave", self.number(), first=world.random.uniform(10, 100))
        first.pool("payment_instrument", "card", 6)
        devices = first.pool("device", "device", 12)
        second = self.open(actor, "second_wave", self.number() // 2, first=world.random.uniform(200, 240))
        second.provider, second.template = first.provider, first.template
        for one in second.accounts:
            second.see(one, "payment_instrument", world.fresh("card"))
            if world.chance(0.5):
                second.see(one, "device", world.random.choice(devices))
        keys = [world.fresh("key") for _ in range(6)]
        for one in second.accounts:
            if world.chance(0.6):
                second.see(one, "key_thumbprint", world.random.choice(keys))
        for one in world.random.sample(first.accounts, 6):
            first.see(one, "key_thumbprint", keys.pop())

    def tree(self) -> None:
        """Each account shares one value with an earlier one; no cycle anywhere."""
        ring = self.open(self.world.fresh("actor"), "tree", self.number())
        for number, one in enumerate(ring.accounts[1:], 1):
            ring.tie(self.world.random.choice(ring.accounts[:number]), one)

    def star(self) -> None:
        ring = self.open(self.world.fresh("actor"), "star", self.number())
        for one in ring.accounts[1:]:
            ring.tie(ring.accounts[0], one)

    def adaptive(self) -> None:
        """Knows the rules: pairs that share two things, bridged to the next pair by one."""
        ring = self.open(self.world.fresh("actor"), "adaptive", self.number() // 2 * 2)
        for number in range(0, len(ring.accounts) - 1, 2):
            one, two = ring.accounts[number : number + 2]
            for kind, noun in (("payment_instrument", "card"), ("device", "device")):
                value = self.world.fresh(noun)
                ring.see(one, kind, value)
                ring.see(two, kind, value)
            if number:
                ring.tie(ring.accounts[number - 1], one)

    def split_kinds(self) -> None:
        """Groups of five on one card; each group's device is also used by one of the next group."""
        ring = self.open(self.world.fresh("actor"), "split_kinds", self.number())
        groups = [ring.accounts[at : at + 5] for at in range(0, len(ring.accounts), 5)]
        for group, after in zip(groups, [*groups[1:], []], strict=True):
            card, device = self.world.fresh("card"), self.world.fresh("device")
            for one in group:
                ring.see(one, "payment_instrument", card)
            for one in [group[-1], *after[:1]]:
                ring.see(one, "device", device)


class Ring:
    """The accounts of one attacker."""

    def __init__(self, attackers: Attackers, actor: str, type: str) -> None:
        self.attackers, self.actor, self.type = attackers, actor, type
        self.world = attackers.world
        self.accounts: list[tuple[str, float]] = []
        self.provider: list[str] = []
        self.template = ""

    def add(self, born: float) -> None:
        """An account with what every account has; nothing in it is shared but address and template."""
        world, craft = self.world, self.attackers.craft
        name = world.account(self.actor, self.type, attacker=True)
        self.accounts.append((name, born))
        one = (name, born)
        for kind, noun in (("email", "email"), ("key_thumbprint", "key"), ("device", "device")):
            self.see(one, kind, world.fresh(noun))
        if world.chance(0.6):
            self.see(one, "payment_instrument", world.fresh("card"))
        if world.chance(craft.proven):
            self.see(one, "social_identity", world.fresh("social"))
        for _ in range(craft.visits):
            self.see(one, "ip_prefix", world.random.choice(self.provider))
            self.see(one, "asn", f"as-{world.random.randrange(40)}")
        if world.chance(craft.common_template):
            self.see(one, "traffic", self.template)

    def see(self, one: tuple[str, float], kind: str, value: str) -> None:
        self.world.see(one[0], kind, value, one[1] + self.world.random.uniform(0, 10))

    def pool(self, kind: str, noun: str, holders: int) -> list[str]:
        """Spread a pool over all accounts, two values each where it goes."""
        values = [self.world.fresh(noun) for _ in range(max(2, 2 * len(self.accounts) // holders))]
        for one in self.accounts:
            for value in self.world.random.sample(values, 2):
                self.see(one, kind, value)
        return values

    def tie(self, one: tuple[str, float], two: tuple[str, float]) -> None:
        kind, noun = self.world.random.choice(
            [("payment_instrument", "card"), ("device", "device"), ("phone", "phone")]
        )
        value = self.world.fresh(noun)
        self.see(one, kind, value)
        self.see(two, kind, value)

    def in_step(self) -> None:
        world = self.world
        begin = world.random.randrange(200, DAYS - self.attackers.craft.step_days)
        for day in range(begin, begin + self.attackers.craft.step_days):
            starts = [world.random.randrange(288) for _ in range(3)]
            for name, _ in self.accounts:
                if world.chance(0.8):
                    slots = {(slot + world.random.randrange(2)) % 288 for slot in starts}
                    world.active(name, day, slots)
