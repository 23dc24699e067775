"""The second factor: an app on a phone that counts along."""

from django.utils.translation import gettext_lazy as _
from django_otp.plugins.otp_totp.models import TOTPDevice

from foundation.crypto import key_ring


class Authenticator(TOTPDevice):
    """
    A TOTP device (RFC 6238) whose secret does not stand in its row.

    `key` is random and worth nothing alone: the secret is its keyed hash. Whoever carries the database away can make
    no codes. It hangs on PHONE_INDEX_KEY, which is fixed for the life of a database anyway.
    """

    class Meta:
        proxy = True
        verbose_name = _("second factor")
        verbose_name_plural = _("second factors")

    @property
    def bin_key(self) -> bytes:
        """160 bits, as RFC 4226 advises; a whole number of base-32 letters, since phones dislike padding."""
        return b"".join(key_ring().digest(f"totp:{half}:{self.key}").bytes for half in "ab")[:20]
