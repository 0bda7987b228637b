"""All settings, read from the environment; docs/configuration.md lists the variables.

Without any variable this is a household's server: SQLite and secrets in the data folder, a cache
in the process. ``DATABASE_URL`` and ``REDIS_URL`` make it a fleet's.
"""

import socket
import sys
from datetime import timedelta
from logging import LogRecord
from pathlib import Path
from urllib.parse import urlsplit

import orjson
from django.core.exceptions import ImproperlyConfigured
from pythonjsonlogger.core import RESERVED_ATTRS

from selene_project import secret_file
from selene_project.environment import (
    LOG_LEVELS,
    Env,
    database_url,
    fernet_keys,
    networks,
    redis_url,
    schedule,
)

env = Env()

BASE_DIR = Path(__file__).resolve().parent.parent
DATA_DIR = Path(env.str("SELENE_DATA_DIR", default=str(BASE_DIR / "var"))).resolve()
FIXTURES_DIR = BASE_DIR / "fixtures"

# Which APIs this process serves
ALL_APIS = ("sso", "account", "market", "device", "admin")
SELENE_APIS = env.list("SELENE_APIS", default=list(ALL_APIS))
if unknown := sorted(set(SELENE_APIS) - set(ALL_APIS)):
    raise ImproperlyConfigured(f"SELENE_APIS: {', '.join(unknown)} not of {', '.join(ALL_APIS)}")

# Secrets: from the environment, else made once for this data folder
_SECRETS = {name: env.str(name, default="") for name in secret_file.NAMES}
SECRETS_FROM_FILE = not all(_SECRETS.values())
if SECRETS_FROM_FILE:
    _KEPT = secret_file.read_or_make(DATA_DIR / "secrets.env")
    _SECRETS = {name: value or _KEPT.get(name, "") for name, value in _SECRETS.items()}
    if _MISSING := [name for name, value in _SECRETS.items() if not value]:
        raise ImproperlyConfigured(f"{', '.join(_MISSING)}: not in {DATA_DIR / 'secrets.env'}")
SECRET_KEY = _SECRETS["DJANGO_SECRET_KEY"]
JWT_ACCESS_SECRET = _SECRETS["JWT_ACCESS_SECRET"]
JWT_REFRESH_SECRET = _SECRETS["JWT_REFRESH_SECRET"]
JWT_RESET_SECRET = _SECRETS["JWT_RESET_SECRET"]
# The first key encrypts; the others, separated by commas, still decrypt.
FIELD_KEYS = fernet_keys("SELENE_FIELD_KEY", _SECRETS["SELENE_FIELD_KEY"])

# Where people and programs reach this server
DEBUG = env.bool("SELENE_DEBUG", default=False)
PORT = env.int("PORT", default=8000)
BIND = env.str("SELENE_BIND", default="0.0.0.0")  # noqa: S104 - devices of the home call it
THREADS = env.int("SELENE_THREADS", default=16)
WORKERS = env.int("SELENE_WORKERS", default=1)
RUN_JOBS = env.bool("SELENE_RUN_JOBS", default=True)
# When asked to end: serve on while balancers notice, then let what is begun be finished
DRAIN_SECONDS = env.float("SELENE_DRAIN_SECONDS", default=0.0)
STOP_SECONDS = env.int("SELENE_STOP_SECONDS", default=5)
ALLOWED_HOSTS = env.list("SELENE_ALLOWED_HOSTS", default=["*"])
TRUSTED_ORIGINS = env.list("SELENE_TRUSTED_ORIGINS", default=[])
SSO_BASE_URL = env.base_url("SSO_BASE_URL", default=f"http://localhost:{PORT}")
ACCOUNT_BASE_URL = env.base_url("ACCOUNT_BASE_URL", default=f"http://localhost:{PORT}")
API_BASE_URL = env.base_url("SELENE_API_BASE_URL", default=ACCOUNT_BASE_URL)
IS_HTTPS = urlsplit(ACCOUNT_BASE_URL).scheme == "https"
COOKIE_DOMAIN = env.str("SELENE_COOKIE_DOMAIN", default="") or None
# How many proxies of ours stand in front: that many X-Forwarded-For entries are believed.
PROXIES = env.int("SELENE_PROXIES", default=0)
if PROXIES:
    SECURE_PROXY_SSL_HEADER = ("HTTP_X_FORWARDED_PROTO", "https")

INSTALLED_APPS = [
    "unfold.apps.BasicAppConfig",
    "unfold.contrib.filters",
    "accounts.apps.BackOfficeConfig",
    "django.contrib.auth",
    "django.contrib.contenttypes",
    "django.contrib.sessions",
    "django.contrib.messages",
    "whitenoise.runserver_nostatic",
    "django.contrib.staticfiles",
    "django.contrib.humanize",
    "auditlog",
    "corsheaders",
    "rest_framework",
    "drf_spectacular",
    "drf_spectacular_sidecar",
    "axes",
    "social_django",
    "geography",
    "accounts",
    "sso",
    "devices",
    "market",
    "operations",
]
MIDDLEWARE = [
    "operations.middleware.CountCalls",
    "devices.middleware.EmptyRefusals",
    "selene_project.middleware.RequestLimits",
    "devices.fast_path.FastPath",
    "django.middleware.security.SecurityMiddleware",
    "whitenoise.middleware.WhiteNoiseMiddleware",
    "corsheaders.middleware.CorsMiddleware",
    "selene_project.page_middleware.Sessions",
    "django.middleware.common.CommonMiddleware",
    "selene_project.page_middleware.Csrf",
    "selene_project.page_middleware.Staff",
    "selene_project.page_middleware.Messages",
    "django.middleware.clickjacking.XFrameOptionsMiddleware",
    "accounts.cookies.AccountCookies",
    "axes.middleware.AxesMiddleware",
]
ROOT_URLCONF = "selene_project.urls"
WSGI_APPLICATION = "selene_project.wsgi.application"
APPEND_SLASH = False
TEMPLATES = [
    {
        "BACKEND": "django.template.backends.django.DjangoTemplates",
        "DIRS": [BASE_DIR / "selene_project" / "templates"],  # over those of libraries
        "APP_DIRS": True,
        "OPTIONS": {
            "context_processors": [
                "django.template.context_processors.request",
                "django.contrib.auth.context_processors.auth",
                "django.contrib.messages.context_processors.messages",
            ]
        },
    }
]

# Database
DEFAULT_AUTO_FIELD = "django.db.models.BigAutoField"
DATABASES = {
    "default": Env.db_url_config(database_url(env, f"sqlite:///{DATA_DIR / 'selene.sqlite3'}"))
}
_DATABASE = DATABASES["default"]
if _DATABASE["ENGINE"] == "django.db.backends.sqlite3":
    _DATABASE["OPTIONS"] = {
        # A transaction that means to write says so at its start, since SQLite knows no row locks.
        "transaction_mode": "IMMEDIATE",
        "timeout": 20,
        # FULL: what was answered survives a power cut too, as a home's plug gives.
        "init_command": "PRAGMA journal_mode=WAL; PRAGMA synchronous=FULL;",
    }
    # A file, because tests of races need connections that wait for each other's locks.
    _DATABASE["TEST"] = {"NAME": DATA_DIR / "test.sqlite3"}
else:
    _DATABASE["ENGINE"] = "selene_project.postgresql"
    _DATABASE["OPTIONS"] = {"connect_timeout": 5}
_DATABASE["CONN_MAX_AGE"] = env.int("SELENE_CONN_MAX_AGE", default=600)
_DATABASE["CONN_HEALTH_CHECKS"] = True
# PgBouncer in transaction mode hands a connection on between statements.
_DATABASE["DISABLE_SERVER_SIDE_CURSORS"] = env.bool("SELENE_PGBOUNCER", default=False)

# Cache: speed only; whatever must last is a row
REDIS_URL = redis_url(env)
REDIS_TIMEOUT = 0.1  # seconds; a slower Redis counts as none
if REDIS_URL:
    CACHES = {
        "default": {
            "BACKEND": "django_redis.cache.RedisCache",
            "LOCATION": REDIS_URL,
            "KEY_PREFIX": "selene",
            "OPTIONS": {
                "IGNORE_EXCEPTIONS": True,
                "SOCKET_TIMEOUT": REDIS_TIMEOUT,
                "SOCKET_CONNECT_TIMEOUT": REDIS_TIMEOUT,
            },
        }
    }
    CACHES["replies"] = CACHES["default"]
    DJANGO_REDIS_LOG_IGNORED_EXCEPTIONS = True
else:
    CACHES = {
        "default": {
            "BACKEND": "django.core.cache.backends.locmem.LocMemCache",
            "OPTIONS": {"MAX_ENTRIES": 100_000},
        },
        # What outside services said, up to 100 KB each: 50 MB, and not in the way of the others
        "replies": {
            "BACKEND": "django.core.cache.backends.locmem.LocMemCache",
            "LOCATION": "replies",
            "OPTIONS": {"MAX_ENTRIES": 500},
        },
    }

# Accounts and signing in
AUTH_USER_MODEL = "accounts.Account"
AUTHENTICATION_BACKENDS = [
    "axes.backends.AxesStandaloneBackend",
    "django.contrib.auth.backends.ModelBackend",
]
# Unique by a constraint on Lower("email"), which the check does not see.
SILENCED_SYSTEM_CHECKS = ["auth.W004"]
PASSWORD_HASHERS = ["accounts.hashers.Argon2id"]
_VALIDATION = "django.contrib.auth.password_validation"
AUTH_PASSWORD_VALIDATORS = [
    {"NAME": f"{_VALIDATION}.UserAttributeSimilarityValidator"},
    {"NAME": f"{_VALIDATION}.MinimumLengthValidator"},
    {"NAME": f"{_VALIDATION}.CommonPasswordValidator"},
    {"NAME": f"{_VALIDATION}.NumericPasswordValidator"},
]
CHECK_EMAIL_DNS = env.bool("SELENE_CHECK_EMAIL_DNS", default=False)
OWNER_EMAIL = env.str("SELENE_OWNER_EMAIL", default="owner@selene.home")
AXES_FAILURE_LIMIT = env.int("SELENE_LOCKOUT_FAILURES", default=10)
AXES_COOLOFF_TIME = timedelta(minutes=env.int("SELENE_LOCKOUT_MINUTES", default=15))
# Account and address together: a household behind one address does not lock itself out.
AXES_LOCKOUT_PARAMETERS = [["username", "ip_address"]]
AXES_USERNAME_CALLABLE = "accounts.lockout.name_tried"
AXES_LOCKOUT_CALLABLE = "accounts.lockout.answer"
AXES_RESET_COOL_OFF_ON_FAILURE_DURING_LOCKOUT = False
AXES_RESET_ON_SUCCESS = True
AXES_DISABLE_ACCESS_LOG = True
AXES_VERBOSE = False
AXES_CLIENT_IP_CALLABLE = "accounts.client.address"
# Staff: signed in by Django's session, which ends when it is not used
STAFF_TWO_STEP = env.bool("SELENE_STAFF_TWO_STEP", default=IS_HTTPS)
SESSION_COOKIE_AGE = 60 * max(1, env.int("SELENE_STAFF_SESSION_MINUTES", default=60))
AUDIT_KEPT = timedelta(days=env.int("SELENE_AUDIT_KEPT", default=365))
AUDITLOG_MASK_CALLABLE = "accounts.audit.hide"
LOGIN_URL = "admin:login"
LOGIN_REDIRECT_URL = "admin:index"

# Devices
DEVICE_TOKEN_IDLE = timedelta(days=env.int("SELENE_DEVICE_TOKEN_IDLE", default=30))
_MAX_AGE_DAYS = env.int("SELENE_DEVICE_TOKEN_MAX_AGE", default=0)
DEVICE_TOKEN_MAX_AGE = timedelta(days=_MAX_AGE_DAYS) if _MAX_AGE_DAYS else None
MAX_DEVICES = env.int("SELENE_MAX_DEVICES", default=1_000)
METRICS_KEPT = timedelta(days=env.int("SELENE_METRICS_KEPT", default=365))
CORE_VERSION = env.str("SELENE_CORE_VERSION", default="")
GEONAMES_URL = env.base_url(
    "SELENE_GEONAMES_URL", default="https://download.geonames.org/export/dump"
)
SKILLS_URL = env.base_url(
    "SELENE_SKILLS_URL", default="https://raw.githubusercontent.com/MycroftAI/mycroft-skills-data"
)

# Mail: by SendGrid or SMTP where one is configured, else files in the data folder
INSTALLATION_NAME = env.str("SELENE_NAME", default="Selene")
SENDGRID_API_KEY = env.str("SENDGRID_API_KEY", default="")
SENDGRID_API_URL = env.base_url("SENDGRID_API_URL", default="https://api.sendgrid.com/v3")
EMAIL_HOST = env.str("EMAIL_SERVICE_HOST", default="")
EMAIL_PORT = env.int("EMAIL_SERVICE_PORT", default=587)
EMAIL_HOST_USER = env.str("EMAIL_SERVICE_USER", default="")
EMAIL_HOST_PASSWORD = env.str("EMAIL_SERVICE_PASSWORD", default="")
EMAIL_SECURITY = env.choice("SELENE_EMAIL_SECURITY", ("starttls", "tls", "none"), "starttls")
EMAIL_USE_TLS, EMAIL_USE_SSL = EMAIL_SECURITY == "starttls", EMAIL_SECURITY == "tls"
EMAIL_TIMEOUT = 10  # seconds
_MAIL_SERVICE = "SendGrid" if SENDGRID_API_KEY else "Smtp" if EMAIL_HOST else "Files"
EMAIL_BACKEND = f"accounts.upstream.mail_services.{_MAIL_SERVICE}"
DEFAULT_FROM_EMAIL = env.str("SELENE_EMAIL_FROM", default="Selene <selene@localhost>")
REPORT_RECIPIENT = env.str("REPORT_RECIPIENT", default="")

# Outside services: without its key, one answers 503 and says which setting is missing
UPSTREAM_CONNECT_SECONDS, UPSTREAM_READ_SECONDS = 3.0, 15.0  # devices give up after 15
UPSTREAM_CONCURRENCY = env.int("SELENE_UPSTREAM_CONCURRENCY", default=0) or max(1, THREADS // 2)
GOOGLE_CLIENT_ID = env.str("GOOGLE_CLIENT_ID", default="")
GOOGLE_CLIENT_SECRET = env.str("GOOGLE_CLIENT_SECRET", default="")
GOOGLE_OAUTH_URL = env.base_url("GOOGLE_OAUTH_URL", default="https://oauth2.googleapis.com")
GOOGLE_ACCOUNTS_URL = env.base_url("GOOGLE_ACCOUNTS_URL", default="https://accounts.google.com")
FACEBOOK_APP_ID = env.str("FACEBOOK_APP_ID", default="")
FACEBOOK_APP_SECRET = env.str("FACEBOOK_APP_SECRET", default="")
FACEBOOK_URL = env.base_url("FACEBOOK_URL", default="https://www.facebook.com")
FACEBOOK_GRAPH_URL = env.base_url("FACEBOOK_GRAPH_URL", default="https://graph.facebook.com")
GITHUB_CLIENT_ID = env.str("GITHUB_CLIENT_ID", default="")
GITHUB_CLIENT_SECRET = env.str("GITHUB_CLIENT_SECRET", default="")
GITHUB_URL = env.base_url("GITHUB_URL", default="https://github.com")
GITHUB_API_URL = env.base_url("GITHUB_API_URL", default="https://api.github.com")
STRIPE_PRIVATE_KEY = env.str("STRIPE_PRIVATE_KEY", default="")
STRIPE_WEBHOOK_SECRET = env.str("STRIPE_WEBHOOK_SECRET", default="")
STRIPE_API_BASE = env.base_url("STRIPE_API_BASE", default="https://api.stripe.com")
OWM_KEY = env.str("OWM_KEY", default="")
OWM_URL = env.base_url("OWM_URL", default="https://api.openweathermap.org/data/2.5")
OWM_ONECALL_URL = env.base_url("SELENE_OWM_ONECALL_URL", default="")
OWM_QUOTA = env.int("SELENE_OWM_QUOTA", default=1_000)  # calls a day and device; 0 for no limit
WOLFRAM_ALPHA_KEY = env.str("WOLFRAM_ALPHA_KEY", default="")
WOLFRAM_ALPHA_URL = env.base_url("WOLFRAM_ALPHA_URL", default="https://api.wolframalpha.com")
WOLFRAM_QUOTA = env.int("SELENE_WOLFRAM_QUOTA", default=500)  # calls a day and device
PANTACOR_API_TOKEN = env.str("PANTACOR_API_TOKEN", default="")
PANTACOR_API_BASE_URL = env.base_url("PANTACOR_API_BASE_URL", default="https://api.pantahub.com")
VOICE_URL_ARM = env.str("URL_VOICE_ARM", default="")
VOICE_URL_X86_64 = env.str("URL_VOICE_X86_64", default="")
# A broker of OAuth tokens for skills; without it this server is its own
OAUTH_BASE_URL = env.base_url("OAUTH_BASE_URL", default="")

# Speech
STT_ENGINES = ("pocketsphinx", "vosk", "faster-whisper", "google", "google-cloud", "openai")
STT_ENGINE = env.choice("SELENE_STT_ENGINE", STT_ENGINES, "pocketsphinx")
STT_MODEL = env.str("SELENE_STT_MODEL", default="")
STT_CONCURRENCY = env.int("SELENE_STT_CONCURRENCY", default=2)
GOOGLE_STT_KEY = env.str("GOOGLE_STT_KEY", default="")
GOOGLE_STT_URL = env.base_url("GOOGLE_STT_URL", default="https://www.google.com/speech-api/v2")
STT_OPENAI_URL = env.base_url("SELENE_STT_OPENAI_URL", default="https://api.openai.com/v1")
STT_OPENAI_KEY = env.str("SELENE_STT_OPENAI_KEY", default="")

# Jobs and metrics
SCHEDULE = schedule("SELENE_SCHEDULE", env.list("SELENE_SCHEDULE", default=[]))
# Where the workers of this server tell each other what they counted
METRICS_DIR = DATA_DIR / "metrics" / f"{socket.gethostname()}-{PORT}"
METRICS_TOKEN = env.str("SELENE_METRICS_TOKEN", default="")
METRICS_ADDRESSES = networks(
    "SELENE_METRICS_ADDRESSES", env.list("SELENE_METRICS_ADDRESSES", default=["127.0.0.1", "::1"])
)

# HTTP
MAX_BODY_BYTES = env.int("SELENE_MAX_BODY_BYTES", default=1_000_000)
# By path, what may be longer: speech
LONGER_BODIES = dict.fromkeys(("/v1/stt", "/v1/transcribe"), max(4_000_000, MAX_BODY_BYTES))
DATA_UPLOAD_MAX_MEMORY_SIZE = MAX_BODY_BYTES
CORS_ALLOWED_ORIGINS = TRUSTED_ORIGINS
CORS_ALLOW_CREDENTIALS = True
CSRF_TRUSTED_ORIGINS = TRUSTED_ORIGINS
CSRF_COOKIE_SECURE = SESSION_COOKIE_SECURE = IS_HTTPS
CSRF_COOKIE_HTTPONLY = True
SECURE_HSTS_SECONDS = 31_536_000 if IS_HTTPS else 0

THROTTLE_SCALE = env.float("SELENE_THROTTLE_SCALE", default=1.0)
# Requests per period and client address, or account where one is signed in
_RATES = {
    "login": (30, "minute"),
    "sign-up": (100, "hour"),
    "validate-email": (60, "minute"),
    "pairing-code": (120, "minute"),
    "pairing-check": (60, "minute"),
    "federated-login": (30, "minute"),
    "password-reset": (10, "hour"),
    "password-change": (30, "hour"),
    "email-change": (10, "hour"),
    "message": (20, "hour"),
    "ssh-key": (120, "minute"),
    "metric": (300, "minute"),
    "speech": (30, "minute"),
    "weather": (120, "minute"),
    "wolfram": (60, "minute"),
    "wake-word-file": (60, "hour"),
    "oauth": (60, "minute"),
    "membership": (20, "hour"),
    "stripe-webhook": (600, "minute"),
}
REST_FRAMEWORK = {
    "DEFAULT_AUTHENTICATION_CLASSES": ["accounts.authentication.AccountAuthentication"],
    "DEFAULT_PERMISSION_CLASSES": ["rest_framework.permissions.IsAuthenticated"],
    "DEFAULT_CONTENT_NEGOTIATION_CLASS": "selene_project.negotiation.OneForm",
    "DEFAULT_RENDERER_CLASSES": ["drf_orjson_renderer.renderers.ORJSONRenderer"],
    "DEFAULT_PARSER_CLASSES": ["selene_project.parsers.StrictJSONParser"],
    "DEFAULT_SCHEMA_CLASS": "selene_project.openapi.DescribedSchema",
    "DEFAULT_THROTTLE_RATES": {
        scope: f"{max(1, int(count * THROTTLE_SCALE))}/{period}"
        for scope, (count, period) in _RATES.items()
    },
    # The errors of a list are by index, and an integer is no key of JSON.
    "ORJSON_RENDERER_OPTIONS": (orjson.OPT_NON_STR_KEYS,),
    "EXCEPTION_HANDLER": "selene_project.errors.handle",
    "URL_FORMAT_OVERRIDE": None,  # a query that happens to have a "format" is no 404
    "NON_FIELD_ERRORS_KEY": "error",
    "NUM_PROXIES": PROXIES,
}
SPECTACULAR_SETTINGS = {
    "TITLE": "Selene",
    "DESCRIPTION": "The server behind Mycroft voice assistants.",
    "VERSION": "1",
    "SERVE_INCLUDE_SCHEMA": False,
    "SERVE_PERMISSIONS": ["rest_framework.permissions.AllowAny"],
    "SERVE_AUTHENTICATION": [],
    "SWAGGER_UI_DIST": "SIDECAR",
    "SWAGGER_UI_FAVICON_HREF": "SIDECAR",
    "REDOC_DIST": "SIDECAR",
}

# Pages
STATIC_URL = "/static/"
# Served from where the apps keep them: no collectstatic between a clone and the first page.
WHITENOISE_USE_FINDERS = True
USE_TZ = True
TIME_ZONE = "UTC"
LANGUAGE_CODE = "en-us"
UNFOLD = {
    "SITE_TITLE": INSTALLATION_NAME,
    "SITE_HEADER": INSTALLATION_NAME,
    "SITE_URL": "/",
    "SITE_SYMBOL": "bedtime",  # a moon
    "STYLES": ["operations.navigation.style"],
    "DASHBOARD_CALLBACK": "operations.dashboard.fill",
    "SIDEBAR": {"show_search": True, "navigation": "operations.navigation.sidebar"},
    "ACCOUNT": {"navigation": "operations.navigation.account_links"},
}

# Logs: to standard error, plain for eyes and JSON for collectors
LOG_FORMAT = env.choice(
    "SELENE_LOG_FORMAT", ("plain", "json"), "plain" if sys.stderr.isatty() else "json"
)
LOG_LEVEL = env.choice("SELENE_LOG_LEVEL", LOG_LEVELS, "INFO")
LOGGERS = {
    # Every 4xx is a warning there: a device that was removed would fill the log.
    "django.request": {"level": "ERROR"},
    "django.server": {"level": "WARNING"},
    "axes": {"level": "WARNING"},
    # At DEBUG it writes whole addresses, and some services want their key in there.
    "urllib3": {"level": "INFO"},
    # What anybody can send is worth a line each, but no stack trace.
    **dict.fromkeys(
        (
            "django.security.DisallowedHost",
            "django.security.RequestDataTooBig",
            "django.security.TooManyFieldsSent",
            "django.security.TooManyFilesSent",
        ),
        {"filters": ["without_trace"]},
    ),
}


def _drop_trace(record: LogRecord) -> bool:
    record.exc_info = None
    return True


LOGGING = {
    "version": 1,
    "disable_existing_loggers": False,
    "filters": {
        "without_trace": {"()": "django.utils.log.CallbackFilter", "callback": _drop_trace}
    },
    "formatters": {
        "plain": {"format": "{asctime} {levelname} {name}: {message}", "style": "{"},
        "json": {
            "()": "pythonjsonlogger.json.JsonFormatter",
            "format": "{asctime}{levelname}{name}{message}",
            "style": "{",
            "rename_fields": {"asctime": "at", "levelname": "level", "name": "logger"},
            # Django's own adds the request, whose query may hold a token or where a device is.
            "reserved_attrs": [*RESERVED_ATTRS, "request"],
        },
    },
    "handlers": {"stderr": {"class": "logging.StreamHandler", "formatter": LOG_FORMAT}},
    "root": {"handlers": ["stderr"], "level": LOG_LEVEL},
    "loggers": LOGGERS,
}
