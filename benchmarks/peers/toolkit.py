"""django-oauth-toolkit as a peer: unhashed client secrets, no middleware at all, on PostgreSQL.

Run by granian as `benchmarks.peers.toolkit:application`; ``python -m benchmarks.peers.toolkit`` makes
the tables and a client and prints its credentials.
"""

import json
import os
import sys

import dj_database_url
import django
from django.conf import settings
from django.core.wsgi import get_wsgi_application

settings.configure(
    SECRET_KEY=os.environ["PEER_SECRET"],
    ALLOWED_HOSTS=["127.0.0.1"],
    DATABASES={
        "default": {
            **dj_database_url.parse(os.environ["PEER_DATABASE_URL"]),
            "OPTIONS": {"pool": {"min_size": 1, "max_size": 4}},
        }
    },
    INSTALLED_APPS=["django.contrib.auth", "django.contrib.contenttypes", "oauth2_provider"],
    MIDDLEWARE=[],
    ROOT_URLCONF="benchmarks.peers.toolkit",
    OAUTH2_PROVIDER={
        "SCOPES": {"model:infer": "infer", "introspection": "look at tokens"},
        "ACCESS_TOKEN_EXPIRE_SECONDS": 300,
    },
    DEFAULT_AUTO_FIELD="django.db.models.BigAutoField",
    USE_TZ=True,
    LOGGING_CONFIG=None,
)
django.setup()

from django.urls import path  # noqa: E402
from oauth2_provider import views  # noqa: E402

urlpatterns = [
    path("token", views.TokenView.as_view()),
    path("introspect", views.IntrospectTokenView.as_view()),
]
application = get_wsgi_application()


def make_client() -> dict[str, str]:
    from django.core.management import call_command
    from oauth2_provider.models import Application

    call_command("migrate", verbosity=0)
    client = Application.objects.create(
        name="bench", client_type="confidential", authorization_grant_type="client-credentials",
        hash_client_secret=False,
    )  # fmt: skip
    return {"id": client.client_id, "secret": client.client_secret}


if __name__ == "__main__":
    json.dump(make_client(), sys.stdout)
