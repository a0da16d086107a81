"""The one staff door: records by ModelAdmin, workflow pages by ``get_urls``."""

from django.contrib.admin import AdminSite


class ConsoleSite(AdminSite):
    site_header = "Agent Passport"
    site_title = "Trust and safety"
    index_title = "Console"
