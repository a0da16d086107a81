"""Pages and endpoints."""

import os

from foundation.web.handlers import wsgi_application

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "config.settings")
application = wsgi_application()
