"""What a till may send. Wrong types, wrong characters and wrong sizes end here, with a clear sentence."""

from typing import Any

from django.utils.translation import gettext_lazy as _
from rest_framework import serializers

from coupons.models import InputChannel, UndoReason
from foundation.money import MoneyRefused, parse_yuan

AMOUNT_TEXTS = {
    "EMPTY": _("Enter the amount."),
    "NOT_A_NUMBER": _("The amount is not a number."),
    "TOO_MANY_DECIMALS": _("An amount in yuan has at most two decimals."),
    "NEGATIVE": _("The amount must not be negative."),
    "TOO_LARGE": _("The amount is too large."),
}
LARGEST_TICKET_FEN = 100_000_000  # a million yuan: more is a typing error
DEVICE_ID = r"^[A-Za-z0-9_-]{8,64}\Z"


class TextField(serializers.CharField):
    """A text and nothing that merely can be written as one."""

    def to_internal_value(self, data: Any) -> str:
        if not isinstance(data, str):
            self.fail("invalid")
        return super().to_internal_value(data)


class YuanField(TextField):
    """An amount in yuan as people write it; fen come out."""

    def __init__(self, **kwargs: Any) -> None:
        super().__init__(max_length=32, **kwargs)

    def run_validation(self, data: Any = serializers.empty) -> Any:
        text = super().run_validation(data)
        return self._fen(text) if isinstance(text, str) and text else None

    def _fen(self, text: str) -> int:
        try:
            fen = parse_yuan(text)
        except MoneyRefused as refused:
            raise serializers.ValidationError(AMOUNT_TEXTS[refused.code]) from refused
        if fen > LARGEST_TICKET_FEN:
            raise serializers.ValidationError(AMOUNT_TEXTS["TOO_LARGE"])
        return fen


class DeviceInput(serializers.Serializer):
    """Which till asks."""

    device_id = serializers.RegexField(DEVICE_ID, trim_whitespace=False)


class PreviewInput(DeviceInput):
    """Which coupon, for which ticket."""

    text = TextField(max_length=256)
    input_channel = serializers.ChoiceField(
        [InputChannel.TYPED, InputChannel.SCANNER, InputChannel.CAMERA], default=InputChannel.TYPED
    )
    ticket = YuanField(required=False, allow_null=True, allow_blank=True, default=None)
    receipt_no = TextField(max_length=40, required=False, allow_blank=True, default="")


class RedeemInput(PreviewInput):
    """The same, to count: under a request id that the till keeps until it has an answer."""

    request_id = serializers.UUIDField()


class UndoInput(DeviceInput):
    """Which redemption to undo, and why."""

    redemption_no = serializers.RegexField(r"^[0-9]{8,20}\Z", trim_whitespace=False)
    reason = serializers.ChoiceField(UndoReason.choices)
