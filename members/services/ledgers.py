"""
The consent ledger as it is sealed.

The keyed hash of a phone is sealed: it outlives the member, or an opt-out would end with the erasure of who opted out.
"""

from foundation.services.ledgers import Ledger, instant

CONSENTS = Ledger(
    name="consents", table="members_consentevent", at="at",
    layouts=(("id", "phone_hash", "consent", "source", "proof", "reason", instant("at"), "by_id"),),
)  # fmt: skip
