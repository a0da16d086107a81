"""All settings, and the one reader of the environment.

Two shapes. ``AP_MODE=embedded`` (the default) needs nothing but Python: SQLite, admission
in process, jobs on a thread, secrets made once in DATA_DIR. ``AP_MODE=production`` takes
PostgreSQL, Redis and every secret from the environment, and refuses to start without.
docs/operators.md lists the variables.
"""

import hashlib
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import dj_database_url
from django.utils.csp import CSP

from config import environment as env

BASE_DIR = Path(__file__).resolve().parent.parent
MODE = env.read_mode()
EMBEDDED = MODE == env.EMBEDDED
PORT = env.read_number("PORT", 8000, least=1, most=65535)
DATA_DIR = Path(env.read("DATA_DIR", str(BASE_DIR / "var"))).resolve()

ISSUER = env.read("AP_ISSUER", f"http://127.0.0.1:{PORT}" if EMBEDDED else "")
if not ISSUER:
    env.refuse("AP_ISSUER", "is the public origin of this server, such as https://passport.example")
_issuer = urlsplit(ISSUER)
if _issuer.scheme not in {"https", "http"} or not _issuer.hostname or ISSUER.endswith("/"):
    env.refuse("AP_ISSUER", "is an absolute URL without a trailing slash")
if _issuer.path or _issuer.query or _issuer.fragment:
    env.refuse("AP_ISSUER", "is an origin: no path, query or fragment")
SECURE = _issuer.scheme == "https"
if not EMBEDDED and not SECURE and not env.read_flag("AP_ALLOW_PLAIN_HTTP"):
    env.refuse("AP_ISSUER", "must be https in production")

if EMBEDDED:
    DATA_DIR.mkdir(mode=0o700, parents=True, exist_ok=True)
    SECRET_KEY = env.read("AP_SECRET_KEY") or env.kept_secret(DATA_DIR / "secrets", "secret_key")
    _ring_secret = env.kept_secret(DATA_DIR / "secrets", "key_ring")
    KEY_RING = (
        env.parse_key_ring("AP_KEY_RING", env.read("AP_KEY_RING"))
        if env.read("AP_KEY_RING")
        else {"local": hashlib.sha256(_ring_secret.encode()).digest()}
    )
else:
    SECRET_KEY = env.require_secret("AP_SECRET_KEY")
    KEY_RING = env.parse_key_ring("AP_KEY_RING", env.require_secret("AP_KEY_RING"))
SECRET_KEY_FALLBACKS = env.read_list("AP_SECRET_KEY_FALLBACKS")

DEBUG = False
ALLOWED_HOSTS = env.read_list("AP_ALLOWED_HOSTS", f"{_issuer.hostname},localhost,127.0.0.1,[::1]")
CSRF_TRUSTED_ORIGINS = [ISSUER]

INSTALLED_APPS = [
    "passport.apps.PassportConfig",
    "attestation.apps.AttestationConfig",
    "accounts.apps.AccountsConfig",
    "foundation.apps.FoundationConfig",
    "config.admin_site.ConsoleAdminConfig",
    "django.forms",
    "django.contrib.auth",
    "django.contrib.contenttypes",
    "django.contrib.sessions",
    "django.contrib.messages",
    "whitenoise.runserver_nostatic",
    "django.contrib.staticfiles",
    "django.contrib.humanize",
    "allauth",
    "allauth.account",
    "allauth.mfa",
    "allauth.socialaccount",
    "oauth2_provider",
    "rest_framework",
    "drf_spectacular",
    "django_htmx",
    "lucide",
]

MIDDLEWARE = [
    "foundation.web.requests.OwnHostMiddleware",
    "django.middleware.security.SecurityMiddleware",
    "foundation.web.machines.MachineDoorsMiddleware",
    "whitenoise.middleware.WhiteNoiseMiddleware",
    "django.middleware.csp.ContentSecurityPolicyMiddleware",
    "foundation.web.requests.RequestIdMiddleware",
    "foundation.web.methods.MethodPageMiddleware",
    "django.contrib.sessions.middleware.SessionMiddleware",
    "django.middleware.common.CommonMiddleware",
    "django.middleware.csrf.CsrfViewMiddleware",
    "django.contrib.auth.middleware.AuthenticationMiddleware",
    "django.contrib.messages.middleware.MessageMiddleware",
    "django.middleware.clickjacking.XFrameOptionsMiddleware",
    "allauth.account.middleware.AccountMiddleware",
    "django_htmx.middleware.HtmxMiddleware",
    "accounts.portal.visits.VisitMiddleware",
]

# Asked by machines, often: a POST to these skips what only pages need.
MACHINE_PATHS = (
    "/oauth/token",
    "/oauth/introspect",
    "/oauth/revoke",
    "/access/v1/evaluation",
    "/access/v1/evaluations",
    "/v1/limits/blocks",
)
# Asked by gateways with the method of whatever came to them.
GATEWAY_PATHS = ("/access/v1/gateway", "/access/v1/gateway/nginx")

ROOT_URLCONF = "config.urls"
WSGI_APPLICATION = "config.wsgi.application"
ASGI_APPLICATION = "config.asgi.application"
APPEND_SLASH = False

# Every capability keeps its templates and static files beside its code.
OWN_APPS = ("passport", "attestation", "accounts", "foundation")
TEMPLATES = [
    {
        "BACKEND": "django.template.backends.django.DjangoTemplates",
        "DIRS": [folder for app in OWN_APPS for folder in sorted((BASE_DIR / app).glob("*/templates"))],
        "APP_DIRS": True,
        "OPTIONS": {
            "context_processors": [
                "django.template.context_processors.request",
                "django.contrib.auth.context_processors.auth",
                "django.contrib.messages.context_processors.messages",
                "foundation.web.context.shell",
                "accounts.portal.context.places",
            ],
            "libraries": {
                "parts": "foundation.web.parts",
                "charts": "foundation.web.charts",
                "safety": "passport.safety.tags",
            },
        },
    }
]
FORM_RENDERER = "foundation.web.renderer.FormRenderer"
CSRF_FAILURE_VIEW = "foundation.web.failures.csrf_failure"

# --- Database ---------------------------------------------------------------------------
DATABASES: dict[str, dict[str, Any]]
if EMBEDDED and not env.read("AP_DATABASE_URL"):
    DATABASES = {
        "default": {
            "ENGINE": "django.db.backends.sqlite3",
            "NAME": DATA_DIR / "agent-passport.sqlite3",
            "TEST": {"NAME": DATA_DIR / "test.sqlite3"},
            "OPTIONS": {
                "transaction_mode": "IMMEDIATE",
                "timeout": 20,
                "init_command": (
                    "PRAGMA journal_mode=WAL; PRAGMA synchronous=NORMAL; PRAGMA foreign_keys=ON;"
                ),
            },
        }
    }
else:
    if not env.read("AP_DATABASE_URL"):
        env.refuse(
            "AP_DATABASE_URL", "names the PostgreSQL database, such as postgres://user:password@host/name"
        )
    _database: dict[str, Any] = dict(dj_database_url.parse(env.read("AP_DATABASE_URL")))
    if _database["ENGINE"] != "django.db.backends.postgresql":
        env.refuse("AP_DATABASE_URL", "must name a PostgreSQL database")
    _pool = env.read_number("AP_DATABASE_POOL", 8, least=0, most=200)
    if _pool:
        _database["OPTIONS"] = {
            **_database.get("OPTIONS", {}),
            "pool": {"min_size": 1, "max_size": _pool, "timeout": 5},
        }
    DATABASES = {"default": _database}
DEFAULT_AUTO_FIELD = "django.db.models.BigAutoField"

# Signed checkpoints of the record are also appended here, outside the database.
CHECKPOINT_FILE = Path(env.read("AP_CHECKPOINT_FILE", str(DATA_DIR / "checkpoints.txt")))

# Limits of sign-in and spent one-time codes: one table that every process sees.
CACHES = {
    "default": {
        "BACKEND": "django.core.cache.backends.db.DatabaseCache",
        "LOCATION": "foundation_cache",
        "OPTIONS": {"MAX_ENTRIES": 200_000, "CULL_FREQUENCY": 10},
    }
}
SESSION_ENGINE = "accounts.people.sessions"

# --- Redis, Celery ----------------------------------------------------------------------
# Admission has a Redis of its own: never the broker's, never a cache's.
ADMISSION_REDIS_URL = env.read("AP_ADMISSION_REDIS_URL")
BROKER_URL = env.read_broker("AP_BROKER_URL")
if not EMBEDDED and not ADMISSION_REDIS_URL:
    env.refuse("AP_ADMISSION_REDIS_URL", "names the Redis for admission (maxmemory-policy noeviction)")
if not EMBEDDED and not BROKER_URL:
    env.refuse("AP_BROKER_URL", "names the broker of the workers")
if BROKER_URL and BROKER_URL == ADMISSION_REDIS_URL:
    env.refuse("AP_BROKER_URL", "must not be the Redis of admission")

# While Redis is gone the database decides, slower: it gives this part of each limit.
ADMISSION_DATABASE_SHARE_PERCENT = env.read_number("AP_ADMISSION_DATABASE_SHARE", 25, least=1, most=100)
# A cluster of one organisation shares the sum of its members' budgets, up to so many times the largest.
ACTOR_DEPTH = env.read_number("AP_ACTOR_DEPTH", 4, least=1, most=4)
ORGANISATION_BUDGET_MOST = env.read_number("AP_ORGANISATION_BUDGET_MOST", 10, least=1, most=1000)

# --- What the metadata tells people ------------------------------------------------------
POLICY_URL = env.read_page("AP_POLICY_URL")
TERMS_URL = env.read_page("AP_TERMS_URL")
DOCUMENTATION_URL = env.read_page("AP_DOCUMENTATION_URL")

# --- What leaves the house --------------------------------------------------------------
# Documents that strangers name (keys, client metadata) come from public addresses by https. A host
# of the operator's own network that serves some is named here, as host:port, and its authority's
# certificate lies in the file.
OUTBOUND_CA_FILE = env.read("AP_OUTBOUND_CA_FILE")
OUTBOUND_PRIVATE_HOSTS = env.read_list("AP_OUTBOUND_PRIVATE_HOSTS")
if OUTBOUND_CA_FILE and not Path(OUTBOUND_CA_FILE).is_file():
    env.refuse("AP_OUTBOUND_CA_FILE", "names a file that is not there")

# --- People -----------------------------------------------------------------------------
AUTH_USER_MODEL = "accounts.User"
AUTHENTICATION_BACKENDS = ["allauth.account.auth_backends.AuthenticationBackend"]
AUTH_PASSWORD_VALIDATORS = [
    {"NAME": "django.contrib.auth.password_validation.UserAttributeSimilarityValidator"},
    {
        "NAME": "django.contrib.auth.password_validation.MinimumLengthValidator",
        "OPTIONS": {"min_length": 12},
    },
    {"NAME": "django.contrib.auth.password_validation.CommonPasswordValidator"},
]
LOGIN_URL = "/accounts/login/"
LOGIN_REDIRECT_URL = "/"
ACCOUNT_LOGIN_METHODS = {"email"}
ACCOUNT_SIGNUP_FIELDS = ["email*", "password1*", "password2*"]
ACCOUNT_USER_MODEL_USERNAME_FIELD = None
ACCOUNT_EMAIL_VERIFICATION = "mandatory"
ACCOUNT_ADAPTER = "accounts.people.adapter.AccountAdapter"
ACCOUNT_PREVENT_ENUMERATION = True
ACCOUNT_CONFIRM_EMAIL_ON_GET = False
ACCOUNT_LOGIN_ON_EMAIL_CONFIRMATION = False
ACCOUNT_EMAIL_SUBJECT_PREFIX = ""
ACCOUNT_SESSION_REMEMBER = True
SESSION_COOKIE_AGE = 7 * 86400
ACCOUNT_FORMS = {
    "login": "accounts.people.forms.SignIn",
    "signup": "accounts.people.forms.SignUp",
    "add_email": "accounts.people.forms.AddEmail",
    "change_password": "accounts.people.forms.ChangePassword",
    "set_password": "accounts.people.forms.SetPassword",
    "reset_password": "accounts.people.forms.AskForReset",
    "reset_password_from_key": "accounts.people.forms.ChooseAfterReset",
    "reauthenticate": "accounts.people.forms.PasswordAgain",
}
MFA_FORMS = {
    "activate_totp": "accounts.people.forms.TurnOnTotp",
    "add_webauthn": "accounts.people.forms.AddPasskey",
    "authenticate": "accounts.people.forms.ShowFactor",
    "reauthenticate": "accounts.people.forms.ShowFactorAgain",
}
ACCOUNT_REAUTHENTICATION_TIMEOUT = 600
ACCOUNT_DEFAULT_HTTP_PROTOCOL = _issuer.scheme
# Guesses count per address, and per person: apart for browsers the person has used before, so
# that guessing from elsewhere never locks anybody out (accounts/people/devices.py).
ACCOUNT_RATE_LIMITS = {"login_failed": "20/m/ip,10/5m/key"}
ACCOUNT_EMAIL_UNKNOWN_ACCOUNTS = False
ACCOUNT_EMAIL_NOTIFICATIONS = True
ACCOUNT_LOGOUT_REDIRECT_URL = "/"
MFA_RECOVERY_CODES_SHOW_ONCE = True
MFA_SUPPORTED_TYPES = ["totp", "recovery_codes", "webauthn"]
MFA_PASSKEY_LOGIN_ENABLED = True
MFA_TOTP_ISSUER = "Agent Passport"
MFA_WEBAUTHN_ALLOW_INSECURE_ORIGIN = EMBEDDED
MFA_ADAPTER = "accounts.people.adapter.MFAAdapter"
SOCIALACCOUNT_EMAIL_AUTHENTICATION = False
SOCIALACCOUNT_ONLY = False

# The embedded default keeps its mail for the page /dev/mail instead of sending it.
DEVELOPMENT_MAIL = EMBEDDED and not env.read("AP_EMAIL_HOST")
MAILERS: dict[str, dict[str, Any]]
if DEVELOPMENT_MAIL:
    MAILERS = {"default": {"BACKEND": "accounts.people.outbox.DevelopmentMailbox"}}
else:
    MAILERS = {
        "default": {
            "BACKEND": "django.core.mail.backends.smtp.EmailBackend",
            "OPTIONS": {
                "host": env.read("AP_EMAIL_HOST", "localhost"),
                "port": env.read_number("AP_EMAIL_PORT", 25, least=1, most=65535),
                "username": env.read("AP_EMAIL_USER"),
                "password": env.read("AP_EMAIL_PASSWORD"),
                "use_tls": env.read_flag("AP_EMAIL_TLS"),
                "timeout": 10,
            },
        }
    }
DEFAULT_FROM_EMAIL = env.read("AP_EMAIL_FROM", f"Agent Passport <no-reply@{_issuer.hostname}>")

# --- The authorization server -----------------------------------------------------------
OAUTH2_PROVIDER_APPLICATION_MODEL = "passport.Agent"
AUTHORIZATION_CODE_SECONDS = 60
REFRESH_TOKEN_SECONDS = 30 * 86400
# Only for a refresh token bound to a key, repeated by that key: the answer to the first was lost.
REFRESH_TOKEN_REPEAT_SECONDS = 10
OAUTH2_PROVIDER = {
    "ACCESS_TOKEN_EXPIRE_SECONDS": 300,
    "AUTHORIZATION_CODE_EXPIRE_SECONDS": AUTHORIZATION_CODE_SECONDS,
    "REFRESH_TOKEN_EXPIRE_SECONDS": REFRESH_TOKEN_SECONDS,
    "REFRESH_TOKEN_REUSE_PROTECTION": True,
    "PKCE_REQUIRED": True,
    "COMPLIANT_BCP_RFC9700_TOKEN_STORAGE": True,
    "COMPLIANT_BCP_RFC9700_IMPLICIT_GRANT": True,
    "COMPLIANT_BCP_RFC9700_PASSWORD_GRANT": True,
    "COMPLIANT_BCP_RFC9700_PKCE_METHOD": True,
    "COMPLIANT_BCP_RFC9700_ACCESS_TOKEN_TRANSPORT": True,
    "COMPLIANT_BCP_RFC9700_AUTHZ_RESPONSE_ISS": True,
    "COMPLIANT_BCP_RFC9700_REDIRECT_URI_SCHEME": True,
    "ALLOWED_REDIRECT_URI_SCHEMES": ["https"],
    "CLIENT_SECRET_HASHER": "default",
}

# Clients without an account may register themselves (RFC 7591): public ones, which act for people alone.
# So many of them may wait unused; they end after a day.
OPEN_REGISTRATION = env.read_flag("AP_OPEN_REGISTRATION", default=True)
OPEN_CLIENTS_MOST = env.read_number("AP_OPEN_CLIENTS_MOST", 10_000, least=1, most=10_000_000)
# How many agents an account may have for another to register itself with an initial access token.
AGENTS_MOST = env.read_number("AP_AGENTS_MOST", 200, least=1, most=1_000_000)

# --- Attestation ------------------------------------------------------------------------
# The sandbox provider is part of the server; it never counts for live agents.
SANDBOX_PROVIDER = env.read_flag("AP_SANDBOX_PROVIDER", default=EMBEDDED)

# --- Pages ------------------------------------------------------------------------------
SECURE_CSP = {
    "default-src": [CSP.NONE],
    "script-src": [CSP.SELF],
    "style-src": [CSP.SELF],
    "font-src": [CSP.SELF],
    "connect-src": [CSP.SELF],
    "form-action": [CSP.SELF],
    "img-src": [CSP.SELF, "data:"],
    "base-uri": [CSP.NONE],
    "frame-ancestors": [CSP.NONE],
}
STATIC_URL = "/static/"
STATICFILES_DIRS = [folder for app in OWN_APPS for folder in sorted((BASE_DIR / app).glob("*/static"))]
STATIC_ROOT = Path(
    env.read("AP_STATIC_ROOT", str(DATA_DIR / "static" if EMBEDDED else BASE_DIR / "staticfiles"))
)
if EMBEDDED:
    STATIC_ROOT.mkdir(parents=True, exist_ok=True)
STORAGES = {
    "default": {"BACKEND": "django.core.files.storage.FileSystemStorage"},
    "staticfiles": {
        "BACKEND": "django.contrib.staticfiles.storage.StaticFilesStorage"
        if EMBEDDED and not env.read_flag("AP_COMPRESS_STATIC")
        else "whitenoise.storage.CompressedManifestStaticFilesStorage"
    },
}
WHITENOISE_USE_FINDERS = EMBEDDED

SECURE_SSL_REDIRECT = SECURE and env.read_flag("AP_SSL_REDIRECT", default=True)
# Probes come from the machine itself, without TLS.
SECURE_REDIRECT_EXEMPT = [r"^livez$", r"^readyz$"]
SECURE_HSTS_SECONDS = 31536000 if SECURE else 0
SECURE_HSTS_INCLUDE_SUBDOMAINS = SECURE
SECURE_HSTS_PRELOAD = SECURE
# Behind a proxy its last X-Forwarded-For is the client's address; otherwise the header is a claim.
BEHIND_PROXY = env.read_flag("AP_BEHIND_PROXY")
SECURE_PROXY_SSL_HEADER = ("HTTP_X_FORWARDED_PROTO", "https") if BEHIND_PROXY else None
SECURE_REFERRER_POLICY = "same-origin"
SESSION_COOKIE_SECURE = SECURE
CSRF_COOKIE_SECURE = SECURE
SESSION_COOKIE_NAME = "__Host-ap_session" if SECURE else "ap_session"
CSRF_COOKIE_NAME = "__Host-ap_csrf" if SECURE else "ap_csrf"
CSRF_COOKIE_HTTPONLY = True
X_FRAME_OPTIONS = "DENY"
DATA_UPLOAD_MAX_MEMORY_SIZE = 1024 * 1024
DATA_UPLOAD_MAX_NUMBER_FIELDS = 1000

LANGUAGE_CODE = "en"
TIME_ZONE = "UTC"
USE_TZ = True
USE_I18N = True
FORMAT_MODULE_PATH = ["foundation.web.formats"]

REST_FRAMEWORK = {
    "DEFAULT_RENDERER_CLASSES": ["rest_framework.renderers.JSONRenderer"],
    "DEFAULT_PARSER_CLASSES": ["rest_framework.parsers.JSONParser"],
    "DEFAULT_AUTHENTICATION_CLASSES": [],
    "DEFAULT_PERMISSION_CLASSES": ["rest_framework.permissions.IsAuthenticated"],
    "UNAUTHENTICATED_USER": None,
    "DEFAULT_SCHEMA_CLASS": "drf_spectacular.openapi.AutoSchema",
}
SPECTACULAR_SETTINGS = {
    "TITLE": "Agent Passport",
    "VERSION": "0.1.0",
    "SERVE_INCLUDE_SCHEMA": False,
}

LOG_LEVEL = env.read("AP_LOG_LEVEL", "INFO").upper()
LOGGING = {
    "version": 1,
    "disable_existing_loggers": False,
    "formatters": {"plain": {"format": "%(asctime)s %(levelname)s %(name)s %(message)s"}},
    "filters": {"routes": {"()": "foundation.logs.RoutesForPaths"}},
    "handlers": {"stderr": {"class": "logging.StreamHandler", "formatter": "plain", "filters": ["routes"]}},
    "root": {"handlers": ["stderr"], "level": LOG_LEVEL},
    "loggers": {
        "httpx": {"level": "WARNING"},
        "httpcore": {"level": "WARNING"},
        "django.request": {"level": "ERROR"},
    },
}
