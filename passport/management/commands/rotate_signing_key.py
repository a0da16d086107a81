"""Rotates the keys that this server signs with, and withdraws a stolen one."""

from argparse import ArgumentParser
from typing import Any

from django.core.management.base import BaseCommand, CommandError
from django.db import transaction

from foundation import clock
from passport.fields import Effect
from passport.restrictions.place import SubjectRef, place
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
            "--leaked", metavar="KID", help="withdraw this key at once, with everything that it signed"
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
        """The key and all that it signed, in one transaction. It cannot be lifted."""
        moment = clock.now()
        try:
            with transaction.atomic():
                keys.leak(kid, actor=ACTOR, now=moment)
                place(
                    [SubjectRef("signing_key", kid, "")],
                    effect=Effect.REVOKE,
                    reason="signing_key_leaked",
                    actor=ACTOR,
                    now=moment,
                    final=True,
                )
        except SigningKey.DoesNotExist:
            raise CommandError(f"no signing key has the kid {kid}") from None
        self.stdout.write(f"{kid} is withdrawn; all that it signed is revoked")
