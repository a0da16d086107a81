"""The Django app; its capabilities are the packages beside this file."""

from django.apps import AppConfig


class AccountsConfig(AppConfig):
    name = "accounts"
    label = "accounts"
