"""Settings of the project. The only place that reads the environment, through `env.py`."""

import os
from datetime import timedelta
from pathlib import Path
from typing import Any

from django.templatetags.static import static
from django.urls import reverse_lazy
from django.utils.translation import gettext_lazy as _
from psycopg.conninfo import conninfo_to_dict
from redis.backoff import NoBackoff
from redis.retry import Retry

from console.env import Env
from console.navigation import SIDEBAR, issuer

env = Env(os.environ)

BASE_DIR = Path(__file__).resolve().parent.parent

SECRET_KEY = env.text("SECRET_KEY")
DEBUG = env.flag("DEBUG", False)
DEMO = env.flag("DEMO", False)
ALLOWED_HOSTS = env.strings("ALLOWED_HOSTS", ["127.0.0.1", "localhost", "[::1]", "testserver"])
CSRF_TRUSTED_ORIGINS = env.strings("CSRF_TRUSTED_ORIGINS", [])
SECURE_COOKIES = env.flag("SECURE_COOKIES", False)
# Proxies of our own in front of the web servers, each of which appends to X-Forwarded-For.
PROXY_COUNT = env.integer("PROXY_COUNT", 0, minimum=0)

DATABASE_URL = env.url("DATABASE_URL", ["postgresql", "postgres"])
BROKER_URL = env.url("BROKER_URL", ["redis", "rediss", "amqp", "amqps", "memory"], "redis://127.0.0.1:6379/0")
CACHE_URL = env.url("CACHE_URL", ["redis", "rediss", "locmem"], "locmem://local")

PHONE_KEYS = env.text("PHONE_KEYS")
PHONE_INDEX_KEY = env.text("PHONE_INDEX_KEY")

WEB_URL = env.url("WEB_URL", ["http", "https"], "http://127.0.0.1:8000")
PUBLIC_URL = env.url("PUBLIC_URL", ["http", "https"], WEB_URL)  # what links in messages begin with
SIMULATOR_URL = env.url("SIMULATOR_URL", ["http"], "http://127.0.0.1:8100")
SIMULATOR_SCENARIO = env.text("SIMULATOR_SCENARIO", "demo")

STATE_DIR = Path(env.text("STATE_DIR", str(BASE_DIR / "var")))
IMPORT_DIR = STATE_DIR / "imports"
RETENTION_FILE = BASE_DIR / "data_retention.toml"
MAX_UPLOAD_MB = env.integer("MAX_UPLOAD_MB", 500)
UPLOAD_DIR = STATE_DIR / "uploads"
EXPORT_DIR = STATE_DIR / "exports"
# How long an exported file can be downloaded before it is deleted.
EXPORT_KEEP_HOURS = env.integer("EXPORT_KEEP_HOURS", 24, minimum=1, maximum=24 * 30)
LOG_LEVEL = env.text("LOG_LEVEL", "INFO")

# How long a worker may hold a chunk without a sign of life; tests that kill workers make it short.
MESSAGE_LEASE_SECONDS = env.integer("MESSAGE_LEASE_SECONDS", 30, minimum=1)
# How many pumps of a lane may work at once on all hosts together: a bound for the database, not for the workers.
BULK_SLOTS = env.integer("BULK_SLOTS", 16, minimum=1)
URGENT_SLOTS = env.integer("URGENT_SLOTS", 8, minimum=1)
# How long a provider's "never heard of it" is not believed: it may still be writing the message down.
UNSURE_GRACE_SECONDS = env.integer("UNSURE_GRACE_SECONDS", 600, minimum=1)
# Months that messages are kept; the law asks for six.
RETENTION_MONTHS = env.integer("RETENTION_MONTHS", 13, minimum=6)
# Shifts the business clock, for tests and for trying the demo at night.
CLOCK_OFFSET_SECONDS = env.integer("CLOCK_OFFSET_SECONDS", 0)
# A campaign to more people than this needs a second approver.
SECOND_APPROVAL_PEOPLE = env.integer("SECOND_APPROVAL_PEOPLE", 100_000, minimum=1)
# Whether the office asks for a code beside the password; the demo's logins are public anyway.
SECOND_FACTOR = env.choice("SECOND_FACTOR", ["required", "off"], "off" if DEMO else "required") == "required"
# Browsers that one operator may be logged in with at the office; the oldest ends. Without work they end by themselves.
OFFICE_SESSIONS = env.integer("OFFICE_SESSIONS", 3, minimum=1)
OFFICE_IDLE_MINUTES = env.integer("OFFICE_IDLE_MINUTES", 120, minimum=5)
# For tests that kill workers: the name of a point in the pump at which the process dies.
FAIL_POINT = env.text("FAIL_POINT", "")

env.finish()

# Applications -------------------------------------------------------------------------------------

INSTALLED_APPS = [
    "console.apps.ConsoleConfig",
    "unfold",
    "unfold.contrib.filters",
    "unfold.contrib.forms",
    "django.contrib.admin",
    "django.contrib.auth",
    "django.contrib.contenttypes",
    "django.contrib.sessions",
    "django.contrib.messages",
    "django.contrib.staticfiles",
    "django.contrib.postgres",
    "django.contrib.humanize",
    "django_celery_beat",
    "rest_framework",
    "drf_spectacular",
    "drf_spectacular_sidecar",
    "pgtrigger",
    "axes",
    "django_otp",
    "django_otp.plugins.otp_totp",
    "django_otp.plugins.otp_static",
    "foundation",
    "members",
    "templates_sms",
    "coupons",
    "delivery",
    "campaigns",
    "console.apps.ScheduleConfig",  # last: it dresses the admin pages of the others
]

MIDDLEWARE = [
    "django.middleware.security.SecurityMiddleware",
    "whitenoise.middleware.WhiteNoiseMiddleware",
    "console.middleware.content_policy",
    "django.contrib.sessions.middleware.SessionMiddleware",
    "django.middleware.locale.LocaleMiddleware",
    "django.middleware.common.CommonMiddleware",
    "django.middleware.csrf.CsrfViewMiddleware",
    "django.contrib.auth.middleware.AuthenticationMiddleware",
    "django.contrib.messages.middleware.MessageMiddleware",
    "console.doors.gate.gate",
    "console.doors.scope.row_scope",
    "axes.middleware.AxesMiddleware",
    "django.middleware.clickjacking.XFrameOptionsMiddleware",
]

ROOT_URLCONF = "console.urls"
WSGI_APPLICATION = "console.wsgi.application"
AUTH_USER_MODEL = "foundation.Operator"
LOGIN_URL = reverse_lazy("admin:login")
LOGIN_REDIRECT_URL = "/"

TEMPLATES: list[dict[str, Any]] = [
    {
        "BACKEND": "django.template.backends.django.DjangoTemplates",
        "DIRS": [],
        "APP_DIRS": True,
        "OPTIONS": {
            "context_processors": [
                "django.template.context_processors.request",
                "django.contrib.auth.context_processors.auth",
                "django.contrib.messages.context_processors.messages",
            ],
        },
    },
]

# Services -----------------------------------------------------------------------------------------


def database(url: str) -> dict[str, Any]:
    """Django's settings for one PostgreSQL address; psycopg itself reads the address."""
    parts = conninfo_to_dict(url)
    names = {"NAME": "dbname", "USER": "user", "PASSWORD": "password", "HOST": "host", "PORT": "port"}
    known = {key: str(parts.pop(name, "") or "") for key, name in names.items()}
    return {
        "ENGINE": "django.db.backends.postgresql",
        **known,
        "CONN_MAX_AGE": 60,
        "CONN_HEALTH_CHECKS": True,
        "OPTIONS": {key: value for key, value in parts.items() if value is not None},
    }


DATABASES = {"default": database(DATABASE_URL)}
DEFAULT_AUTO_FIELD = "django.db.models.BigAutoField"

CACHES: dict[str, Any] = {
    "default": {"BACKEND": "django.core.cache.backends.locmem.LocMemCache"}
    if CACHE_URL.startswith("locmem")
    else {
        "BACKEND": "django.core.cache.backends.redis.RedisCache",
        "LOCATION": CACHE_URL,
        # A page never waits for a cache that does not answer.
        "OPTIONS": {"socket_connect_timeout": 0.5, "socket_timeout": 0.5, "retry": Retry(NoBackoff(), 0)},
    }
}

CELERY_BROKER_URL = BROKER_URL
CELERY_BROKER_CONNECTION_RETRY_ON_STARTUP = True
CELERY_BROKER_CONNECTION_MAX_RETRIES = None
CELERY_BROKER_TRANSPORT_OPTIONS = (
    {
        "visibility_timeout": 1800,  # longer than the longest task
        "unacked_restore_interval": 10,
        "unacked_restore_throttle": 1,  # the default of 10 brings a killed worker's tasks back after ~100 s
        "unacked_restore_limit": 100,
        "max_retries": 1,  # a ring that is lost costs seconds; one that waits for a dead broker costs a page
    }
    if BROKER_URL.startswith("redis")
    else {}
)
CELERY_TASK_ACKS_LATE = True
CELERY_TASK_REJECT_ON_WORKER_LOST = True
CELERY_WORKER_PREFETCH_MULTIPLIER = 1
CELERY_TASK_IGNORE_RESULT = True
CELERY_TIMEZONE = "Asia/Shanghai"
CELERY_BEAT_SCHEDULER = "django_celery_beat.schedulers:DatabaseScheduler"
CELERY_BEAT_MAX_LOOP_INTERVAL = 5
CELERY_TASK_DEFAULT_QUEUE = "background"
CELERY_WORKER_HIJACK_ROOT_LOGGER = False

# Rooms --------------------------------------------------------------------------------------------

OUTBOX_HANDLERS: dict[str, list[str]] = {
    "delivery.dispatch_closed": ["campaigns.services.runs.on_dispatch_closed"],
    "delivery.dispatch_paused": ["campaigns.services.runs.on_dispatch_paused"],
    "delivery.not_sent": ["coupons.services.release.on_not_sent"],
    "delivery.hard_failure": ["members.services.suppression.on_hard_failure"],
}
JOB_RUNNERS: dict[str, str] = {
    "members.import": "members.services.imports.run_job",
    "members.undo_import": "members.services.imports.run_undo",
    "members.erase": "members.services.erase.run_job",
    "coupons.void_batch": "coupons.services.voiding.run_void",
    "campaigns.rehearsal": "campaigns.services.rehearsal.run_job",
    "foundation.proofs": "foundation.services.proofs.run_job",
    "foundation.export": "foundation.services.exports.run_job",
}
# Lists that can be taken out as files, beside every list of the admin, which EXPORT_CHANGELISTS finds by its model.
EXPORT_LISTS: list[str] = [
    "members.services.exports.SEGMENTS",
    "templates_sms.services.TEMPLATE_LIST",
    "coupons.services.exports.BATCHES",
    "campaigns.services.exports.CAMPAIGNS",
    "campaigns.services.exports.RUNS",
    "console.changelist_exports.ALERTS",
    "foundation.services.export_lists.API_KEYS",
    "foundation.services.export_lists.WEBHOOKS",
]
EXPORT_CHANGELISTS = "console.changelist_exports.find"
LEDGERS: list[str] = [
    "foundation.services.ledgers.AUDIT",
    "members.services.ledgers.CONSENTS",
    "coupons.services.ledgers.REDEMPTIONS",
    "coupons.services.ledgers.REVERSALS",
]
WEBHOOK_FEEDS: list[str] = [
    "coupons.services.feeds.REDEEMED", "coupons.services.feeds.REVERSED", "members.services.feeds.CONSENT_CHANGED",
    "delivery.services.feeds.STATE_CHANGED",
]  # fmt: skip
LEDGER_PROOFS: list[str] = [
    "delivery.services.proofs.prove",
    "coupons.services.proofs.prove",
    "foundation.services.verifying.prove",
]
ERASE_HANDLERS: list[str] = [
    "members.services.imports.erasing.erase",
    "coupons.services.erasing.erase",
    "delivery.services.erasing.erase",
]
LEAVE_HANDLERS: list[str] = ["coupons.services.shifts.on_leave"]
REPLY_HANDLERS: list[str] = ["delivery.services.replies.come_back"]
# Whose rows an operator reads; foundation asks, members know.
ROW_SCOPE = "members.queries.stores.scope_of"
ROLE_NAME = "console.permissions.role_name"
SEGMENT_FIELDS: list[str] = ["coupons.queries.segment_fields"]

VENDOR_TIMEOUT_SECONDS = 5
CAP_DAY_COUNT = 3
CAP_WEEK_COUNT = 4
SAME_TEXT_HOURS = 72
UNREPORTED_HOURS = 72
UNSURE_GIVE_UP_HOURS = 72
SOFT_FAILURE_COUNT = 3
SOFT_FAILURE_DAYS = 30
# Tokens that never existed: from one address in ten minutes, from the network around it in a day.
GUESSES_PER_ADDRESS = 20
GUESSES_PER_NETWORK = 200

# Pages --------------------------------------------------------------------------------------------

LANGUAGE_CODE = "zh-hans"
LANGUAGES = [("zh-hans", "简体中文"), ("en", "English")]
LOCALE_PATHS = [BASE_DIR / "console" / "locale"]
LANGUAGE_COOKIE_NAME = "language"
TIME_ZONE = "Asia/Shanghai"
USE_TZ = True
USE_I18N = True
FORMAT_MODULE_PATH = "console.formats"

STATIC_URL = "static/"
STATIC_ROOT = STATE_DIR / "static"
WHITENOISE_USE_FINDERS = True
WHITENOISE_AUTOREFRESH = DEBUG

DATA_UPLOAD_MAX_MEMORY_SIZE = 5 * 1024 * 1024
FILE_UPLOAD_MAX_MEMORY_SIZE = 2 * 1024 * 1024

# No script reads a cookie: forms carry their token, the till's script takes it from its form.
SESSION_COOKIE_SECURE = CSRF_COOKIE_SECURE = LANGUAGE_COOKIE_SECURE = SECURE_COOKIES
SESSION_COOKIE_HTTPONLY = CSRF_COOKIE_HTTPONLY = LANGUAGE_COOKIE_HTTPONLY = True
SESSION_COOKIE_SAMESITE = CSRF_COOKIE_SAMESITE = LANGUAGE_COOKIE_SAMESITE = "Lax"
SESSION_COOKIE_AGE = 12 * 3600  # the longest a login lasts, office and till
SESSION_ENGINE = "foundation.services.session_store"
SECURE_CONTENT_TYPE_NOSNIFF = True
SECURE_REFERRER_POLICY = "same-origin"
SECURE_CROSS_ORIGIN_OPENER_POLICY = "same-origin"
X_FRAME_OPTIONS = "DENY"

# Pages by HTTPS: browsers are sent there and keep to it for a year. Probes of this machine and a provider's receipts
# may come by HTTP: they follow no redirect.
SECURE_SSL_REDIRECT = SECURE_COOKIES
SECURE_REDIRECT_EXEMPT = [r"^healthz$", r"^hooks/"]
SECURE_HSTS_SECONDS = 365 * 86_400 if SECURE_COOKIES else 0
SECURE_HSTS_INCLUDE_SUBDOMAINS = SECURE_COOKIES
# Whoever ends HTTPS in front of us says so; without a proxy of our own, anybody could.
SECURE_PROXY_SSL_HEADER = ("HTTP_X_FORWARDED_PROTO", "https") if PROXY_COUNT else None
# W021 asks for browsers' preload list: only the owner of the whole domain may wish for that.
SILENCED_SYSTEM_CHECKS = ["security.W021"]

# Wrong passwords: five for a name from one address, twenty for a name, then a quarter of an hour.
AUTHENTICATION_BACKENDS = ["axes.backends.AxesStandaloneBackend", "console.doors.backend.RolesInForce"]
AXES_HANDLER = "foundation.services.lockout.Handler"
AXES_LOCKOUT_PARAMETERS = [["username", "ip_address"], "username"]
AXES_FAILURE_LIMIT = 5
LOGIN_FAILURES_PER_NAME = 20
AXES_COOLOFF_TIME = timedelta(minutes=15)
AXES_RESET_COOL_OFF_ON_FAILURE_DURING_LOCKOUT = False  # whoever waits gets in when the page said
AXES_RESET_ON_SUCCESS = True
AXES_LOCKOUT_CALLABLE = "foundation.services.lockout.answer"
AXES_CLIENT_IP_CALLABLE = "foundation.http.plain_address"
AXES_SENSITIVE_PARAMETERS = ["username", "ip_address", "csrfmiddlewaretoken", "next"]
AXES_ENABLE_ADMIN = False
AXES_DISABLE_ACCESS_LOG = True
AXES_VERBOSE = False
OTP_TOTP_ISSUER = issuer
# How long a password that IT has given may wait for its login.
ONE_TIME_HOURS = 72

# How long a right that is granted for a time may last.
GRANT_LONGEST_DAYS = 92

PASSWORD_HASHERS = [
    "django.contrib.auth.hashers.Argon2PasswordHasher",
    "django.contrib.auth.hashers.PBKDF2PasswordHasher",
]
AUTH_PASSWORD_VALIDATORS = [
    {"NAME": "django.contrib.auth.password_validation.MinimumLengthValidator", "OPTIONS": {"min_length": 10}},
    {"NAME": "django.contrib.auth.password_validation.CommonPasswordValidator"},
]

REST_FRAMEWORK = {
    "DEFAULT_PERMISSION_CLASSES": ["rest_framework.permissions.IsAuthenticated"],
    "DEFAULT_AUTHENTICATION_CLASSES": ["rest_framework.authentication.SessionAuthentication"],
    "DEFAULT_RENDERER_CLASSES": ["rest_framework.renderers.JSONRenderer"],
    "DEFAULT_PARSER_CLASSES": ["rest_framework.parsers.JSONParser"],
    "UNAUTHENTICATED_USER": "django.contrib.auth.models.AnonymousUser",
    "DEFAULT_SCHEMA_CLASS": "foundation.rest.schema.ApiSchema",
}
SPECTACULAR_SETTINGS: dict[str, Any] = {
    "TITLE": "SMS & coupons",
    "VERSION": "1",
    "DESCRIPTION": "Members, messages and coupons for other systems. See the API guide for signatures and examples.",
    "SCHEMA_PATH_PREFIX": "/api/v1",
    "SERVE_INCLUDE_SCHEMA": False,
    "SERVE_PERMISSIONS": ["rest_framework.permissions.IsAdminUser"],
    "SERVE_AUTHENTICATION": ["rest_framework.authentication.SessionAuthentication"],
    "ENFORCE_NON_BLANK_FIELDS": True,
    "SWAGGER_UI_DIST": "SIDECAR",
    "SWAGGER_UI_FAVICON_HREF": "SIDECAR",
    "ENUM_NAME_OVERRIDES": {
        "MessageState": "delivery.models.MessageState", "CampaignState": "campaigns.models.CampaignState",
        "RunState": "campaigns.models.RunState", "Consent": "members.models.Consent",
    },
    "POSTPROCESSING_HOOKS": [
        "drf_spectacular.hooks.postprocess_schema_enums", "foundation.rest.schema.add_errors",
    ],
}  # fmt: skip
# What webhooks tell: topic and name.
WEBHOOK_TOPICS: list[tuple[str, Any]] = [
    ("coupon.redeemed", _("a coupon was redeemed")), ("coupon.reversed", _("a redemption was taken back")),
    ("member.consent_changed", _("a member opted out, or agreed")),
    ("message.state_changed", _("a notice that a system asked for has ended")),
]  # fmt: skip
# What an API key may: code and name. Each view names the scope of each of its methods.
API_SCOPES: list[tuple[str, Any]] = [
    ("members:read", _("read members")), ("members:write", _("write members")),
    ("members:erase", _("erase a person for good")), ("orders:write", _("write orders")),
    ("suppression:read", _("read the suppression list")), ("suppression:write", _("change the suppression list")),
    ("segments:read", _("read and count segments")), ("messages:send", _("send notices")),
    ("messages:read", _("see what became of its messages")), ("coupons:redeem", _("check and redeem coupons")),
    ("coupons:reverse", _("take back its redemptions")), ("campaigns:read", _("read campaigns")),
    ("reports:read", _("read reports")),
]  # fmt: skip

UNFOLD: dict[str, Any] = {
    "SITE_TITLE": _("SMS & coupons"),
    "SITE_HEADER": _("SMS & coupons"),
    "SITE_SYMBOL": "sms",
    "SITE_URL": None,
    "SHOW_HISTORY": False,
    "SHOW_VIEW_ON_SITE": False,
    "SHOW_LANGUAGES": True,
    "BORDER_RADIUS": "6px",
    "ENVIRONMENT": "console.navigation.environment" if DEMO else None,
    "SITE_FAVICONS": [{"rel": "icon", "type": "image/svg+xml", "href": lambda request: static("console/favicon.svg")}],
    "DASHBOARD_CALLBACK": "console.workplaces.home.dashboard",
    "STYLES": [lambda request: static("console/console.css")],
    "SCRIPTS": [lambda request: static("console/console.js")],
    "SIDEBAR": SIDEBAR,
    "ACCOUNT": {"navigation": "console.navigation.account"},
    "COLORS": {
        "primary": {
            "50": "#f3f8fd",
            "100": "#e8f1fb",
            "200": "#d0e2f6",
            "300": "#a9caee",
            "400": "#7ab3f0",
            "500": "#3c82d0",
            "600": "#1a5fb4",
            "700": "#164f97",
            "800": "#143f78",
            "900": "#17304e",
            "950": "#0e1f33",
        },
    },
}

# Logs ---------------------------------------------------------------------------------------------

LOGGING: dict[str, Any] = {
    "version": 1,
    "disable_existing_loggers": False,
    "filters": {"mask": {"()": "console.logging.MaskFilter"}},
    "formatters": {"fields": {"()": "console.logging.FieldsFormatter"}},
    "handlers": {"stderr": {"class": "logging.StreamHandler", "formatter": "fields", "filters": ["mask"]}},
    "root": {"handlers": ["stderr"], "level": LOG_LEVEL},
    "loggers": {name: {"level": "WARNING"} for name in ("httpx", "django.server", "axes")},
}
