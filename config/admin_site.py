"""Puts the trust-and-safety console in the place of Django's own admin site."""

from django.contrib.admin.apps import AdminConfig


class ConsoleAdminConfig(AdminConfig):
    default_site = "passport.safety.site.ConsoleSite"
