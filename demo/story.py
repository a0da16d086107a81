"""Tells the whole story against the running server: ``make demo``.

Needs the embedded default started by ``make run`` (same DATA_DIR and PORT). Each run makes
people of its own, so it can be told again and again.
"""

import argparse
import os
import random
import sys
import tempfile
import time
from pathlib import Path

import httpx

from demo import agents, console, record
from demo.browser import Browser, PageRefused
from demo.people import Developer, card_number, prove, register_agent, sign_up
from demo.service import running_service
from demo.stage import Stage, find_stage
from demo.telling import DoesNotHold, Teller

INFER, ECHO = "model:infer", "echo:read"
HYDRA = ("Mallory", "Malcolm", "Malvina")


def tell(teller: Teller, stage: Stage) -> None:
    run, rng = format(int(time.time()), "x"), random.SystemRandom()
    cast = people_arrive(teller, stage, run, rng)
    people_prove(teller, cast, rng)
    agents_are_registered(teller, stage, cast)
    with tempfile.TemporaryDirectory() as folder:
        service = stage.services[0]
        with running_service(stage.issuer, service, stage.free_port(), Path(folder)) as url:
            teller.came(f"the example service listens at {url}")
            performers = agents.Performers(stage, url, cast, Path(folder))
            agents.obtain_and_call(teller, performers)
            agents.verify_offline(teller, performers)
            agents.hit_the_limit(teller, performers)
            with console.signed_in(stage) as casey:
                console.find_the_cluster(teller, casey, cast)
                batch = console.revoke_the_cluster(teller, casey, cast, performers)
                console.undo_the_batch(teller, casey, cast, performers, batch)
    record.prove_the_record(teller, stage)


def people_arrive(teller: Teller, stage: Stage, run: str, rng: random.SystemRandom) -> dict[str, Developer]:
    teller.step(1, "Developers sign up, confirm their address, open an account, turn on a second factor")
    shared = Browser(stage.issuer)
    cast = {"Alice": sign_up("Alice", Browser(stage.issuer), run), "Mallory": sign_up("Mallory", shared, run)}
    teller.sent("POST /accounts/signup/, the link of the mail, POST /accounts/new/, POST …/totp/activate/")
    teller.came(f"account {cast['Alice'].account}")
    for name in (*HYDRA[1:], "Ines"):
        cast[name] = sign_up(name, shared.another_session(), run)
    for name in ("Ivy", "Igor"):
        cast[name] = sign_up(name, Browser(stage.issuer), run)
    for name, person in cast.items():
        teller.holds(f"{name} has an account and a second factor", person.account and person.totp_secret)
    return cast


def people_prove(teller: Teller, cast: dict[str, Developer], rng: random.SystemRandom) -> None:
    teller.step(2, "They prove identity and a means of payment at the sandbox provider")
    shared_card = card_number(rng)
    for name, person in cast.items():
        card = shared_card if name in HYDRA else card_number(rng)
        prove(person, document=f"OK-{rng.randrange(1, 10**9)}", card=card)
        page = person.browser.open(f"/a/{person.account}/verification/?environment=sandbox")
        teller.holds(f"{name} holds document and instrument", "document" in page and "instrument" in page)
    teller.came("redirects that carry only ?ref=; signed webhooks; the fetched object decided")


def agents_are_registered(teller: Teller, stage: Stage, cast: dict[str, Developer]) -> None:
    teller.step(3, "They register agents by public key; the private keys stay here")
    for person in cast.values():
        register_agent(person, "Scout", [INFER, ECHO], stage.services)
        teller.came(f"{person.name}: {person.agents[0][0]}, key {person.agents[0][1].thumbprint}")
    alice = cast["Alice"]
    register_agent(alice, "Second scout", [INFER, ECHO], stage.services)
    held = [client_id for person in cast.values() for client_id, _ in person.agents]
    teller.holds("every agent has an id of its own", len(set(held)) == len(cast) + 1, held)


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument(
        "--json", action="store_true", help="print one JSON object at the end and nothing else"
    )
    options = parser.parse_args()
    teller = Teller(quiet=options.json)
    try:
        stage = find_stage(Path(os.environ.get("DATA_DIR", "var")), int(os.environ.get("PORT", "8000")))
        tell(teller, stage)
    except (DoesNotHold, PageRefused, RuntimeError, httpx.HTTPError) as failure:
        sys.stderr.write(f"\nThe story stopped: {failure}\n")
        return 1
    sys.stdout.write(teller.summary() + "\n" if options.json else "\nThe whole story held.\n")
    return 0


if __name__ == "__main__":
    sys.exit(main())
