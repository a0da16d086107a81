"""The navigation of an account's pages and of the console. Apps add their own pages to it.

An app calls ``ACCOUNT_PAGES.add(Item(...))`` at the top of its ``urls.py``, which is read before
any page is shown.
"""

from collections.abc import Iterator
from dataclasses import dataclass, field

EVERYONE = frozenset({"owner", "developer", "viewer"})
MAKERS = frozenset({"owner", "developer"})
OWNERS = frozenset({"owner"})


@dataclass(frozen=True, slots=True)
class Item:
    """One entry. The URL named ``url_name`` takes the account's id as ``account_id``, unless it is
    an entry of the console, whose URLs take nothing."""

    section: str
    """What a page puts into its context as ``section`` when this entry is the current one."""
    name: str
    url_name: str
    icon: str
    """A name of the lucide set."""
    order: int
    roles: frozenset[str] = EVERYONE
    """Roles of members for an account's page; groups of staff for one of the console."""


@dataclass(slots=True)
class Menu:
    items: dict[str, Item] = field(default_factory=dict)

    def add(self, item: Item) -> None:
        """Adding a section again replaces it."""
        self.items[item.section] = item

    def visible_to(self, roles: frozenset[str]) -> Iterator[Item]:
        for item in sorted(self.items.values(), key=lambda item: (item.order, item.section)):
            if item.roles & roles:
                yield item


ACCOUNT_PAGES = Menu()
CONSOLE_PAGES = Menu()
