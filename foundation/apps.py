"""The Django app; its capabilities are the packages beside this file."""

from django.apps import AppConfig
from django.conf import settings
from django.utils.module_loading import autodiscover_modules

from foundation.logs import configure


class FoundationConfig(AppConfig):
    name = "foundation"
    label = "foundation"

    def ready(self) -> None:
        configure(as_json=not settings.EMBEDDED, level=settings.LOG_LEVEL)
        autodiscover_modules("tasks", "checks")
