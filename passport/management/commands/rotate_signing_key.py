"""Rotates the keys that this server signs with, and withdraws a stolen one."""

from argparse import ArgumentParser
from typing import Any

from django.core.management.base import BaseCommand, CommandError

from foundation import clock
from passport.conf import issuer
from passport.restrictions import leaked_keys
from passport.signing import keys, life
from passport.signing.models import SigningKey

ACTOR = "system:command"


class Command(BaseCommand):
    help = (
        "Let the next signing key sign and publish another to follow it. Without --now, only when the next "
        "key was published for 24 hours, so that every verifier knows it; otherwise say from when."
    )

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("--use", choices=sorted(keys.DEFAULT_ALG), default="tokens")
        parser.add_argument("--alg", choices=["ES256", "EdDSA", "RS256"], help="of the key to be published")
        parser.add_argument("--now", action="store_true", help="do not wait for the 24 hours")
        parser.add_argument(
            "--leaked", metavar="KID", help="withdraw this key at once, with all that it signed"
        )

    def handle(self, *, use: str, alg: str | None, now: bool, leaked: str | None, **options: Any) -> None:
        if leaked is not None:
            self.withdraw(leaked)
            return
        try:
            kid = keys.rotate(use, actor=ACTOR, now=clock.now(), immediately=now, alg=alg)
        except life.TooEarly as early:
            self.stdout.write(f"{early}; run this again then, or with --now")
            return
        self.stdout.write(f"{kid} signs {use} now; the next key is published")

    def withdraw(self, kid: str) -> None:
        """Each step may be taken again: a command that was cut off goes on where it stopped."""
        try:
            is_new = leaked_keys.withdraw(kid, actor=ACTOR, now=clock.now())
        except SigningKey.DoesNotExist:
            raise CommandError(f"no signing key has the kid {kid}") from None
        done = "is withdrawn; all that it signed is revoked" if is_new else "was withdrawn before"
        self.stdout.write(f"{kid} {done}")
        signed = leaked_keys.publish_withdrawal(kid, issuer=issuer(), now=clock.now())
        self.stdout.write(f"status lists are published, {signed} of them signed anew")
        self.report(leaked_keys.progress(kid, clock.now()))

    def report(self, progress: leaked_keys.Progress) -> None:
        self.stdout.write(
            f"passports ended: {progress.ended}; issued anew so far: {progress.issued_anew}. Agents renew "
            "theirs with a proof by their key; run this again to see how far it is"
        )
