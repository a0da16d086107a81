"""Makes a deployment ready to serve: migrations, keys, admission. Run before each start of a new release."""

from typing import Any

from django.core.management import call_command
from django.core.management.base import BaseCommand

from foundation import clock
from passport.admission import mode
from passport.signing.keys import ensure_keys


class Command(BaseCommand):
    help = "Migrate, make the first signing keys, set the mode of admission. May be run again at any time."

    def handle(self, *args: Any, **options: Any) -> None:
        call_command("migrate", interactive=False, verbosity=1)
        ensure_keys()
        mode.begin(clock.now())
        self.stdout.write("ready")
