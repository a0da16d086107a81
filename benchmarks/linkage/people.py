"""The innocents of a generated population, and what they share for good reasons."""

from dataclasses import dataclass

from benchmarks.linkage.world import DAYS, World


@dataclass(frozen=True, slots=True)
class Habits:
    """What differs from one population to the other."""

    document: float
    social: float
    phone: float
    card: float
    sessions: int
    """Visits of an account over its life."""
    home_prefixes: float
    """Address ranges of homes for each account; few means many strangers share one."""
    templates: float
    """Share of accounts whose prompts follow templates."""
    resold: float
    recycled: float
    mixed_devices: float
    """Share of visits made from a device of somebody else in the house or office."""


@dataclass
class People:
    """Makes innocents until the population is full."""

    world: World
    habits: Habits
    size: int

    def __post_init__(self) -> None:
        homes = max(20, int(self.size * self.habits.home_prefixes))
        self.homes = [f"home-{n}" for n in range(homes)]
        self.carriers = [f"carrier-{n}" for n in range(6)]
        self.operators = [f"as-{n}" for n in range(40)]
        self.public_templates = [f"template:{n:08x}" for n in range(30)]
        self.resale: list[str] = []
        self.numbers: list[str] = []

    def fill(self) -> None:
        makers = [
            (self.single, 55),
            (self.household, 18),
            (self.company, 7),
            (self.shared_card_company, 2),
            (self.campus_club, 0.15),
            (self.coworkers, 0.8),
            (self.hackathon, 0.15),
            (self.agency, 0.5),
            (self.freelancer, 2),
            (self.two_accounts, 4),
            (self.platform, 0.3),
        ]
        makers_only, weights = zip(*makers, strict=True)
        while len(self.world.truth) < self.size:
            self.world.random.choices(makers_only, weights)[0]()
        self.resell()

    def person(self, actor: str, type: str, *, home: str = "", born: float = -1) -> "Person":
        return Person(self, self.world.account(actor, type), home, born)

    def single(self) -> None:
        self.person(self.world.fresh("actor"), "single").live()

    def household(self) -> None:
        world, actor = self.world, self.world.fresh("actor")
        home, device, card = world.random.choice(self.homes), world.fresh("device"), world.fresh("card")
        for number in range(world.random.choices((2, 3, 4, 5), (50, 25, 20, 5))[0]):
            one = self.person(actor, "household", home=home)
            if number == 0 or world.chance(0.7):
                one.card = card
            if world.chance(0.5):
                one.other_devices.append(device)
            one.live()

    def company(self) -> None:
        world, actor = self.world, self.world.fresh("actor")
        domain, office, card = world.fresh("domain"), world.fresh("office"), world.fresh("card")
        desks = [world.fresh("device") for _ in range(3)]
        for _ in range(2 + int(world.random.expovariate(1 / 6))):
            one = self.person(actor, "company", home=office)
            one.domain = domain
            one.card = card if world.chance(0.6) else one.card
            one.other_devices.append(world.random.choice(desks))
            one.live()

    def shared_card_company(self) -> None:
        """One card, no domain."""
        world, actor = self.world, self.world.fresh("actor")
        office, card = world.fresh("office"), world.fresh("card")
        for _ in range(3 + int(world.random.expovariate(1 / 4))):
            one = self.person(actor, "company_one_card", home=office)
            one.card = card
            one.live()

    def campus_club(self) -> None:
        world = self.world
        campus, shared = world.fresh("campus"), [world.fresh("device") for _ in range(4)]
        for _ in range(world.random.randrange(60, 200)):
            one = self.person(world.fresh("actor"), "campus", home=campus)
            if world.chance(0.3):
                one.other_devices.append(world.random.choice(shared))
            one.live()

    def coworkers(self) -> None:
        world = self.world
        room, printer = world.fresh("room"), world.fresh("device")
        for _ in range(world.random.randrange(5, 30)):
            one = self.person(world.fresh("actor"), "coworking", home=room)
            if world.chance(0.25):
                one.other_devices.append(printer)
            one.live()

    def hackathon(self) -> None:
        world = self.world
        hall, born = world.fresh("hall"), world.random.uniform(5, DAYS - 20)
        tables = [world.fresh("device") for _ in range(5)]
        for _ in range(world.random.randrange(20, 80)):
            one = self.person(world.fresh("actor"), "hackathon", born=born + world.random.random())
            one.visits = 2
            world.see(one.name, "ip_prefix", hall, one.born)
            world.see(one.name, "device", world.random.choice(tables), one.born)
            one.live()

    def agency(self) -> None:
        """Its people log in for many clients, who do not know each other."""
        world = self.world
        laptop, office = world.fresh("device"), world.fresh("office")
        for _ in range(world.random.randrange(5, 30)):
            one = self.person(world.fresh("actor"), "agency_client")
            if world.chance(0.6):
                one.domain = world.fresh("domain")
            world.see(one.name, "device", laptop, one.born + 1)
            world.see(one.name, "ip_prefix", office, one.born + 1)
            one.live()

    def freelancer(self) -> None:
        world = self.world
        free = self.person(world.fresh("actor"), "freelancer")
        for _ in range(2):
            actor, domain, office = world.fresh("actor"), world.fresh("domain"), world.fresh("office")
            desk, card = world.fresh("device"), world.fresh("card")
            for _ in range(world.random.randrange(2, 6)):
                one = self.person(actor, "company", home=office)
                one.domain, one.card = domain, card
                one.other_devices.append(desk)
                one.live()
            day = free.born + world.random.uniform(1, 20)
            for kind, value in (("domain", domain), ("device", desk), ("payment_instrument", card)):
                world.see(free.name, kind, value, day)
        free.live()

    def two_accounts(self) -> None:
        world, actor = self.world, self.world.fresh("actor")
        one = self.person(actor, "two_accounts")
        two = self.person(actor, "two_accounts", home=one.home)
        two.devices = list(one.devices)
        if world.chance(0.5):
            two.card = one.card
        if world.chance(0.5):
            two.phone = one.phone
        one.live()
        two.live()

    def platform(self) -> None:
        """Customers of one automation platform act in step."""
        world = self.world
        template = f"template:{world.random.randrange(2**32):08x}"
        clock = [world.random.randrange(288) for _ in range(6)]
        first = world.random.randrange(200, DAYS - 25)
        for _ in range(world.random.randrange(15, 60)):
            one = self.person(world.fresh("actor"), "platform_customer", born=world.random.uniform(5, 150))
            world.see(one.name, "traffic", template, one.born + 2)
            for day in range(first, first + 10):
                if world.chance(0.7):
                    slots = {(clock[day % 6] + world.random.randrange(2)) % 288 for _ in range(1)}
                    world.active(one.name, day, slots | {world.random.randrange(288)})
            one.live()

    def resell(self) -> None:
        """Devices are sold on, numbers given out anew, both to strangers."""
        world = self.world
        innocents = [truth.account for truth in world.truth.values() if not truth.attacker]
        for values, kind, share in (
            (self.resale, "device", self.habits.resold),
            (self.numbers, "phone", self.habits.recycled),
        ):
            for value in world.random.sample(values, int(len(values) * share)):
                buyer = world.random.choice(innocents)
                world.see(buyer, kind, value, world.random.uniform(DAYS * 0.6, DAYS))


class Person:
    """One account of somebody honest."""

    def __init__(self, people: People, name: str, home: str, born: float) -> None:
        world, habits = people.world, people.habits
        self.people, self.name = people, name
        self.home = home or world.random.choice(people.homes)
        self.born = born if born >= 0 else world.random.uniform(0, DAYS * 0.9)
        self.devices = [world.fresh("device") for _ in range(1 + world.chance(0.5))]
        self.other_devices: list[str] = []
        self.card = world.fresh("card") if world.chance(habits.card) else ""
        self.phone = world.fresh("phone") if world.chance(habits.phone) else ""
        self.domain = ""
        self.visits = max(1, int(world.random.expovariate(1 / habits.sessions)))

    def live(self) -> None:
        """Everything the account is seen with from its birth on."""
        world, habits, people = self.people.world, self.people.habits, self.people
        for kind, value in (
            ("email", world.fresh("email")),
            ("payment_instrument", self.card),
            ("phone", self.phone),
            ("domain", self.domain),
            ("government_document", world.fresh("paper") if world.chance(habits.document) else ""),
            ("social_identity", world.fresh("social") if world.chance(habits.social) else ""),
            ("key_thumbprint", world.fresh("key")),
        ):
            if value:
                world.see(self.name, kind, value, self.born + world.random.random())
        self.visit()
        if world.chance(habits.templates):
            world.see(self.name, "traffic", world.random.choice(people.public_templates), self.born + 2)
        people.resale.extend(self.devices)
        people.numbers.extend([self.phone] if self.phone else [])

    def visit(self) -> None:
        world, people = self.people.world, self.people
        for _ in range(self.visits):
            day = world.random.uniform(self.born, min(DAYS, self.born + 120))
            mine = self.other_devices and world.chance(people.habits.mixed_devices)
            world.see(
                self.name, "device", world.random.choice(self.other_devices if mine else self.devices), day
            )
            away = world.chance(0.2)
            world.see(
                self.name, "ip_prefix", world.random.choice(people.carriers) if away else self.home, day
            )
            world.see(self.name, "asn", world.random.choice(people.operators), day)
        if self.visits > 3 and world.chance(0.5):
            for day in world.random.sample(range(200, DAYS), 6):
                world.active(self.name, day, {world.random.randrange(90, 250) for _ in range(4)})
