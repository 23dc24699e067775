"""
The ledgers of the till as they are sealed: redemptions and their undos.

Of a redemption all is sealed but its state, which follows from the undos: it is undone if and only if there is one.
"""

from foundation.services.ledgers import Ledger, day, instant

UNPROVEN = """
SELECT r.id FROM coupons_redemption r LEFT JOIN coupons_reversal u ON u.redemption_id = r.id
WHERE (r.state = 'REVERSED') <> (u.id IS NOT NULL) OR r.state NOT IN ('ACCEPTED', 'REVERSED')
"""
REDEMPTIONS = Ledger(
    name="redemptions", table="coupons_redemption", at="redeemed_at",
    layouts=((
        "id", "redemption_no", "coupon_id", "batch_id", "use_seq", "device_id", "request_id", "clerk_id", "store_id",
        "shift_id", day("business_date"), "input_channel", "receipt_no", "ticket_fen", "discount_fen", "member_id",
        "source", instant("redeemed_at"), "terms_sha256",
    ),),
    disagreeing=UNPROVEN,
)  # fmt: skip
REVERSALS = Ledger(
    name="reversals", table="coupons_reversal", at="reversed_at",
    layouts=(("id", "redemption_id", "by_id", "device_id", "reason", instant("reversed_at"), "within_shift"),),
)  # fmt: skip
