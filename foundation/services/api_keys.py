"""API keys: made, rotated, ended; the secret of a call; which calls were refused."""

import logging
import secrets
from collections.abc import Sequence
from datetime import datetime, timedelta

from django.db import IntegrityError, transaction
from django.utils.translation import gettext as _

from foundation.crypto import key_ring
from foundation.db import execute
from foundation.errors import HasMoved, NameTaken
from foundation.models import ApiKey, ApiNonce, ApiSecret, Operator
from foundation.services import audit

log = logging.getLogger(__name__)

ROTATION = timedelta(days=7)  # how long the secret before the newest still signs
NONCE_KEPT = timedelta(minutes=15)  # longer than a timestamp is believed on either side
SEEN_EVERY = timedelta(minutes=1)


@transaction.atomic
def make_key(
    *, name: str, scopes: Sequence[str], reaches_every_store: bool, networks: Sequence[str],
    calls_per_minute: int, expires_at: datetime | None, by: Operator, now: datetime,
) -> tuple[ApiKey, str]:  # fmt: skip
    """
    A new key and its secret, which is shown once and never again. Raises NameTaken.

    The operator it acts as can't log in: no usable password, no office pages.
    """
    key_id = f"ak_{secrets.token_hex(8)}"
    operator = Operator.objects.create_user(key_id, None, display_name=f"API {name}"[:64])
    try:
        with transaction.atomic():
            key = ApiKey.objects.create(
                key_id=key_id, name=name, operator=operator, scopes=sorted(set(scopes)), networks=list(networks),
                reaches_every_store=reaches_every_store, calls_per_minute=calls_per_minute, expires_at=expires_at,
                made_by=by, made_at=now,
            )  # fmt: skip
    except IntegrityError as taken:
        raise NameTaken(_("There is an API key with this name already.")) from taken
    secret = _new_secret(key, now=now)
    audit.record(
        action="api_key.made", subject=key.subject, by=by, now=now, scopes=key.scopes, networks=key.networks,
        every_store=reaches_every_store,
    )  # fmt: skip
    return key, secret


def _new_secret(key: ApiKey, *, now: datetime) -> str:
    secret = secrets.token_urlsafe(32)
    ApiSecret.objects.create(key=key, cipher=key_ring().encrypt(secret), made_at=now)
    return secret


@transaction.atomic
def rotate(*, key_id: int, by: Operator, now: datetime) -> str:
    """A second secret, shown once; the one before it signs for a week longer, any older one no more."""
    key = ApiKey.objects.select_for_update(no_key=True).get(pk=key_id)
    key.secrets.filter(ends_at__isnull=False).delete()
    key.secrets.filter(ends_at__isnull=True).update(ends_at=now + ROTATION)
    secret = _new_secret(key, now=now)
    audit.record(action="api_key.rotated", subject=key.subject, by=by, now=now)
    return secret


@transaction.atomic
def end_old_secret(*, key_id: int, by: Operator, now: datetime) -> None:
    """Let the secret before the newest sign no more, at once. Raises HasMoved when there is none."""
    if not ApiSecret.objects.filter(key_id=key_id, ends_at__gt=now).delete()[0]:
        raise HasMoved(_("This key has one secret only."))
    audit.record(action="api_key.old_secret_ended", subject=f"foundation.apikey:{key_id}", by=by, now=now)


@transaction.atomic
def switch(*, key_id: int, is_active: bool, by: Operator, now: datetime) -> None:
    """Let a key call, or no more: from the commit on its next call is refused. Raises HasMoved."""
    if not ApiKey.objects.filter(pk=key_id, is_active=not is_active).update(is_active=is_active):
        raise HasMoved(_("Somebody was faster: this key is switched already."))
    action = "api_key.switched_on" if is_active else "api_key.switched_off"
    audit.record(action=action, subject=f"foundation.apikey:{key_id}", by=by, now=now)


def is_live(*, key: ApiKey, now: datetime) -> bool:
    """Whether a key may call: switched on, not ended, and the operator it acts as not deactivated."""
    return key.is_active and key.operator.is_active and (key.expires_at is None or key.expires_at > now)


def live_secrets(*, key: ApiKey, now: datetime) -> list[str]:
    """What the key signs with now: one or two secrets."""
    rows = [one for one in key.secrets.all() if one.ends_at is None or one.ends_at > now]
    return [key_ring().decrypt(bytes(one.cipher)) for one in rows]


USE_NONCE = """
INSERT INTO foundation_apinonce (key_id, nonce, at) VALUES (%(key_id)s, %(nonce)s, %(now)s) ON CONFLICT DO NOTHING
"""


def use_nonce(*, key: ApiKey, nonce: str, now: datetime) -> bool:
    """Whether this nonce of a key is used for the first time. One of two at once is."""
    return bool(execute(USE_NONCE, {"key_id": key.pk, "nonce": nonce, "now": now}))


def clear_nonces(*, now: datetime) -> int:
    """Forget nonces whose timestamps nobody would believe any more; returns how many."""
    return ApiNonce.objects.filter(at__lt=now - NONCE_KEPT).delete()[0]


def note_use(*, key: ApiKey, address: str, now: datetime) -> None:
    """Remember when and from where a key called last, once a minute at most."""
    if key.last_used_at is None or key.last_used_at <= now - SEEN_EVERY:
        unseen = ApiKey.objects.filter(pk=key.pk).exclude(last_used_at__gt=now - SEEN_EVERY)
        unseen.update(last_used_at=now, last_used_from=address or None)


def note_denied(*, key: ApiKey | None, code: str, address: str, path: str, now: datetime) -> None:
    """Write a refused call into the audit. Whoever calls this takes a sample; a flood must not fill the ledger."""
    subject = key.subject if key is not None else "foundation.apikey:unknown"
    by = key.operator if key is not None else None
    audit.record(action="api.denied", subject=subject, by=by, now=now, code=code, address=address, path=path)
