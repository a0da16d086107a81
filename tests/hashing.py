"""The password hasher of Django's default kind with its work left out: half a second for each person."""

from django.contrib.auth.hashers import PBKDF2PasswordHasher


class QuickHasher(PBKDF2PasswordHasher):
    iterations = 1
