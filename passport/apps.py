"""The Django app; its capabilities are the packages beside this file."""

from django.apps import AppConfig


class PassportConfig(AppConfig):
    name = "passport"
    label = "passport"
