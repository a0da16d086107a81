"""Steps 7 to 9: a trust-and-safety admin sees the cluster, revokes it as a batch, and takes that back."""

import re
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager

from demo.agents import ECHO, Performers
from demo.browser import Browser
from demo.old_passport import OldPassport
from demo.people import Developer, sign_in_with_factor
from demo.stage import Stage
from demo.telling import Teller

HYDRA = ("Mallory", "Malcolm", "Malvina")
INNOCENTS = ("Ivy", "Igor", "Ines")
WITHIN_SECONDS = 1.0


@contextmanager
def signed_in(stage: Stage) -> Iterator[Browser]:
    browser = Browser(stage.issuer)
    sign_in_with_factor(browser, stage.admin["email"], stage.admin["password"], stage.admin["totp_secret"])
    yield browser


def account_page(cast: dict[str, Developer], name: str) -> str:
    return f"/admin/accounts/{cast[name].account}/?environment=sandbox"


def find_the_cluster(teller: Teller, casey: Browser, cast: dict[str, Developer]) -> None:
    teller.step(7, "Three accounts that share a card and a device are found linked; the innocents are not")
    casey.wait_for(account_page(cast, "Mallory"), lambda text: "/admin/clusters/clu_" in casey.page.text)
    cluster = casey.find(r"/admin/clusters/(clu_\w+)/")
    for name in HYDRA:
        casey.open(account_page(cast, name))
        teller.holds(f"{name} is in the cluster", cluster in casey.page.text)
    for name in ("Ivy", "Igor"):
        casey.open(account_page(cast, name))
        teller.holds(f"{name}, who shares an address range only, is not", cluster not in casey.page.text)
    casey.open(f"/admin/clusters/{cluster}/")
    words = casey.text()
    teller.came(words[words.find("card") - 120 : words.find("card") + 180])
    teller.holds("the reasons are given in words", "card" in words and "evice" in words)


def revoke_the_cluster(
    teller: Teller, casey: Browser, cast: dict[str, Developer], performers: Performers
) -> tuple[str, OldPassport]:
    teller.step(8, "An admin flags one of them, previews the blast radius, and revokes the batch")
    old = OldPassport.revoked_by_its_agent(performers, "Malvina")
    teller.holds("a passport of Malvina's agent was revoked before, for another reason", old.is_refused())
    tokens = {name: performers.token(name) for name in (*HYDRA, *INNOCENTS, "Alice")}
    for name, token in tokens.items():
        before = performers.call_with_old_token(name, token)
        teller.holds(f"{name}'s token works", before.status_code == 200, before.text)
    flag(casey, cast["Mallory"])
    batch = preview(casey, cast)
    teller.came(casey.text()[:200])
    chosen = set(re.findall(r'name="account" value="(acc_\w+)"', casey.page.text))
    teller.holds(
        "the preview holds the three and nobody else",
        chosen == {cast[name].account for name in HYDRA},
        chosen,
    )
    run(casey, batch)
    asked_at = time.monotonic()
    for name in HYDRA:
        took = time_until(
            lambda name=name: performers.call_with_old_token(name, tokens[name]).status_code == 401, asked_at
        )  # type: ignore[misc]
        teller.holds(f"{name}'s old token is refused within a second", took <= WITHIN_SECONDS, took)
    refused = performers.call_with_old_token("Mallory", tokens["Mallory"])
    teller.came(f"{refused.status_code} {refused.headers.get('WWW-Authenticate')}")
    for name in (*INNOCENTS, "Alice"):
        after = performers.call_with_old_token(name, tokens[name])
        teller.holds(f"{name} goes on working", after.status_code == 200, after.text)
    return batch, old


def flag(casey: Browser, person: Developer) -> None:
    casey.open(f"/admin/accounts/{person.account}/flag/?environment=sandbox")
    casey.submit(
        "", reason="ban_evasion", confidence="0.95", environment="sandbox", note="Same card, same device."
    )


def preview(casey: Browser, cast: dict[str, Developer]) -> str:
    casey.open(account_page(cast, "Mallory"))
    cluster = casey.find(r"/admin/clusters/(clu_\w+)/")
    casey.open(f"/admin/batches/new/?cluster={cluster}&environment=sandbox")
    fields = {"chosen_by": "cluster", "chosen_from": cluster, "environment": "sandbox", "effect": "3"}
    casey.submit("", **fields, reason="ban_evasion", note="The story.")
    return str(re.search(r"/admin/batches/(\w+)/preview/", str(casey.page.url))[1])  # type: ignore[index]


def run(casey: Browser, batch: str) -> None:
    """The number that is hit is typed: it stands in the heading."""
    typed = re.search(r"(\d+) agents? stops? working", casey.text())
    casey.submit(
        f"/batches/{batch}/run/",
        **({"typed": typed[1]} if typed and 'name="typed"' in casey.page.text else {}),
    )


def time_until(holds: Callable[[], bool], since: float, *, longest: float = 5.0) -> float:
    while not holds() and time.monotonic() - since < longest:
        time.sleep(0.02)
    return time.monotonic() - since


def undo_the_batch(
    teller: Teller,
    casey: Browser,
    cast: dict[str, Developer],
    performers: Performers,
    batch: tuple[str, OldPassport],
) -> None:
    teller.step(9, "The batch is undone, exactly")
    batch_id, old = batch
    casey.open(f"/admin/batches/{batch_id}/undo/")
    typed = re.search(r"(\d+) accounts? comes? back", casey.text())
    fields = {"typed": typed[1]} if typed and 'name="typed"' in casey.page.text else {}
    casey.submit("", reason="mistake", **fields)
    for name in HYDRA:
        deadline = time.monotonic() + 10
        answer = performers.call(name)
        while answer.status_code != 200 and time.monotonic() < deadline:
            time.sleep(0.2)
            answer = performers.call(name)
        teller.holds(f"{name}'s agent works again", answer.status_code == 200, answer.text)
    teller.holds("the passport that was revoked before stays revoked", old.is_refused())


__all__ = ["ECHO", "find_the_cluster", "revoke_the_cluster", "signed_in", "undo_the_batch"]
