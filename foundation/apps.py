"""The Django app; its capabilities are the packages beside this file."""

from django.apps import AppConfig
from django.utils.module_loading import autodiscover_modules


class FoundationConfig(AppConfig):
    name = "foundation"
    label = "foundation"

    def ready(self) -> None:
        autodiscover_modules("tasks", "checks")
