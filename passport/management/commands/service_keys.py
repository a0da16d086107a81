"""Shows and changes the keys of a service from a shell."""

from argparse import ArgumentParser
from pathlib import Path
from typing import Any

from django.core.management.base import BaseCommand, CommandError

from foundation import clock
from passport.agents.keys import BadKey, parse_public_jwk
from passport.services.key_registration import add_key, end_secret, publish_at, remove_key
from passport.services.keys import read_keys
from passport.services.models import Service
from passport.services.registration import ServiceRefused

ACTOR = "system:command"


class Command(BaseCommand):
    help = "Keys of a service. To change them without a gap: add the next, use it, remove the old one."

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("service", help="its id, svc_…")
        what = parser.add_mutually_exclusive_group()
        what.add_argument("--add", metavar="FILE", help="a public key as JWK")
        what.add_argument("--remove", metavar="THUMBPRINT")
        what.add_argument("--at", metavar="URL", help="its keys are those of the set published there")
        what.add_argument("--not-published", action="store_true", help="they are registered here again")
        what.add_argument(
            "--end-secret", dest="secret_ends", action="store_true", help="it signs in by key alone"
        )

    def handle(self, *, service: str, **asked: Any) -> None:
        row = Service.objects.filter(pk=service).first()
        if row is None:
            raise CommandError(f"no service has the id {service}")
        try:
            self.change(row, **asked)
        except (ServiceRefused, BadKey, OSError) as refused:
            raise CommandError(str(refused)) from None
        for key in read_keys(row.jwks):
            self.stdout.write(f"{key.thumbprint} {key.alg} {key.kid}")

    def change(
        self,
        service: Service,
        *,
        add: str | None,
        remove: str | None,
        at: str | None,
        not_published: bool,
        secret_ends: bool,
        **options: Any,
    ) -> None:
        now = clock.now()
        if add is not None:
            add_key(service, parse_public_jwk(Path(add).read_text()), actor=ACTOR, now=now)
        elif remove is not None and not remove_key(service, remove, actor=ACTOR, now=now):
            raise CommandError(f"{service.pk} has no key {remove}")
        elif at is not None or not_published:
            publish_at(service, at or "", actor=ACTOR, now=now)
        elif secret_ends:
            end_secret(service, actor=ACTOR, now=now)
