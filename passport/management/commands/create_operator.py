"""Makes the first member of staff, or gives one a further role."""

import argparse
import getpass
import os
from typing import Any

from django.contrib.auth import get_user_model
from django.contrib.auth.models import Group
from django.contrib.auth.password_validation import validate_password
from django.core.exceptions import ValidationError
from django.core.management.base import BaseCommand, CommandError
from django.core.validators import validate_email
from django.db import transaction

from accounts.people.confirmed import confirm_email
from accounts.people.roles import GIVEN, STAFF_ROLES
from foundation.ledger.append import append


class Command(BaseCommand):
    help = (
        "Create a member of staff. The password comes from AP_OPERATOR_PASSWORD or is asked for, never from "
        "an argument. The second factor is set up at the first sign-in; no console page opens before."
    )

    def add_arguments(self, parser: argparse.ArgumentParser) -> None:
        parser.add_argument("email")
        parser.add_argument(
            "--role", action="append", choices=STAFF_ROLES, help="may be given again; default: operator"
        )

    def handle(self, *args: Any, email: str, role: list[str] | None, **options: Any) -> None:
        roles = sorted(set(role or ["operator"]))
        email = email.strip().lower()
        try:
            validate_email(email)
        except ValidationError as failure:
            raise CommandError(f"{email} is not an e-mail address") from failure
        with transaction.atomic():
            user, created = get_user_model().objects.get_or_create(email=email)
            if created:
                self._set_password(user)
            user.is_staff = True
            user.save()
            confirm_email(user)
            for name in roles:
                user.groups.add(Group.objects.get_or_create(name=name)[0])
            append(GIVEN, actor="system:command", subject_ids=[user.pk], payload={"roles": roles})
        self.stdout.write(f"{'created' if created else 'changed'}: {email} is staff with {', '.join(roles)}")

    def _set_password(self, user: Any) -> None:
        password = os.environ.get("AP_OPERATOR_PASSWORD") or getpass.getpass(
            "Password (12 characters or more): "
        )
        try:
            validate_password(password, user)
        except ValidationError as failure:
            raise CommandError(" ".join(failure.messages)) from failure
        user.set_password(password)
