"""The event feed in production; everything in the embedded default."""

import os

from foundation.web.handlers import asgi_application

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "config.settings")
application = asgi_application()
