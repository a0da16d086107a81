"""What commands that act in a person's name have in common: whose name, and how a refusal looks."""

import argparse
import json
from typing import Any

from django.core.management.base import BaseCommand, CommandError
from django.db.models import Q

from accounts.people.models import User


class StaffCommand(BaseCommand):
    """Acts for a member of staff; the last line is JSON with ``--json``."""

    def add_staff_arguments(self, parser: argparse.ArgumentParser) -> None:
        parser.add_argument("--by", required=True, metavar="EMAIL", help="the member of staff who does this")
        parser.add_argument("--json", action="store_true", help="one line of JSON instead of words")

    def actor(self, email: str, *groups: str) -> str:
        """``user:<id>`` of an active member of staff in one of these groups. Raises CommandError."""
        rows = User.objects.filter(email__iexact=email.strip(), is_active=True, is_staff=True)
        user = rows.filter(Q(groups__name__in=groups) | Q(is_superuser=True)).first()
        if user is None:
            raise CommandError(f"{email} is no active member of staff among: {', '.join(groups)}")
        return f"user:{user.pk}"

    def say(self, content: Any, words: str, *, as_json: bool) -> None:
        self.stdout.write(json.dumps(content) if as_json else words)
