"""Coupons for other systems: a till of one's own, a shop, an app. Refusals of a coupon are answers (200)."""

import json
from typing import Any
from uuid import UUID

from django.utils.translation import gettext as _
from drf_spectacular.utils import extend_schema
from rest_framework import exceptions, serializers
from rest_framework.request import Request
from rest_framework.response import Response

from coupons.models import InputChannel, Redemption, UndoReason
from coupons.serializers.inputs import TextField, YuanField
from coupons.services import redeem as services
from coupons.services.reverse import reverse
from foundation import clock
from foundation.rest.views import ApiView, ByStore
from members.queries.stores import store_reached

NUMBER = r"^[0-9]{8,20}\Z"


class CouponQuestion(serializers.Serializer):
    """Which coupon, for which ticket, in which store."""

    code = TextField(max_length=256, help_text="The code as typed, or what its QR code says.")
    store = TextField(max_length=32, help_text="The store code. The key must reach this store.")
    ticket = YuanField(
        required=False, allow_null=True, allow_blank=True, default=None, help_text="What is to be paid, in yuan: 68.80"
    )
    receipt_no = TextField(max_length=40, required=False, allow_blank=True, default="")


class RedeemQuestion(CouponQuestion):
    """The same, to count. The request id is yours; a repeat under it gets the first answer, byte for byte."""

    request_id = serializers.UUIDField()


class ReverseQuestion(serializers.Serializer):
    """Why a redemption is taken back."""

    reason = serializers.ChoiceField(UndoReason.choices)


class CouponAnswer(serializers.Serializer):
    """OPEN (a preview), REDEEMED, or REFUSED with a reason. Money is in fen."""

    verdict = serializers.ChoiceField(["OPEN", "REDEEMED", "REFUSED"])
    reason = serializers.CharField(required=False)
    retryable = serializers.BooleanField(required=False)
    facts = serializers.DictField(required=False)
    title = serializers.CharField(required=False)
    kind = serializers.ChoiceField(["CASH", "DISCOUNT", "EXCHANGE"], required=False)
    gift_name = serializers.CharField(required=False, allow_blank=True)
    min_spend_fen = serializers.IntegerField(required=False)
    phone_tail = serializers.CharField(required=False, allow_blank=True)
    valid_until = serializers.DateTimeField(required=False)
    requires_amount = serializers.BooleanField(required=False)
    percent_off_bp = serializers.IntegerField(required=False, allow_null=True)
    cap_fen = serializers.IntegerField(required=False, allow_null=True)
    saving_fen = serializers.IntegerField(required=False)
    repeat = serializers.BooleanField(required=False)
    redemption_no = serializers.CharField(required=False)
    redeemed_at = serializers.DateTimeField(required=False)
    undo_until = serializers.DateTimeField(required=False)


class Reversed(serializers.Serializer):
    """A redemption that was taken back."""

    redemption_no = serializers.CharField()
    reversed_at = serializers.DateTimeField()


class CouponView(ApiView):
    """A question about a coupon from a system that works for a store."""

    stores = ByStore.CHECKED

    def question(self, facts: dict[str, Any]) -> services.Question:
        """The service's question. Raises NotFound for a store that the key doesn't reach, as for one there isn't."""
        store = store_reached(operator_id=self.caller.pk, code=facts["store"], now=clock.now())
        if store is None:
            raise exceptions.NotFound(_("The key reaches no store with this code."), "NO_STORE")
        return services.Question(
            text=facts["code"], device_id=self.device_id, clerk=self.caller, store=store,
            input_channel=InputChannel.API, ticket_fen=facts["ticket"], receipt_no=facts["receipt_no"],
        )  # fmt: skip

    def answer(self, answer: services.Answer) -> Response:
        """An answer in one order of its fields, so that a stored one is the same byte for byte."""
        return Response(json.loads(json.dumps(answer, sort_keys=True)))

    @property
    def device_id(self) -> str:
        """The name under which ledgers know the till of a key."""
        return f"api-{self.key.key_id}"


class PreviewView(CouponView):
    """What redeeming would answer now; changes nothing."""

    scopes = {"POST": "coupons:redeem"}

    @extend_schema(operation_id="preview_coupon", request=CouponQuestion, responses=CouponAnswer)
    def post(self, request: Request) -> Response:
        facts = self.read(CouponQuestion, request.data)
        return self.answer(services.preview(question=self.question(facts), now=clock.now()))


class RedeemView(CouponView):
    """Redeem one use of a coupon."""

    scopes = {"POST": "coupons:redeem"}

    @extend_schema(operation_id="redeem_coupon", request=RedeemQuestion, responses=CouponAnswer)
    def post(self, request: Request) -> Response:
        facts = self.read(RedeemQuestion, request.data)
        question = self.question(facts)
        return self.answer(services.redeem(question=question, request_id=facts["request_id"], now=clock.now()))


class ResultView(CouponView):
    """The answer to a request of yours whose answer got lost."""

    scopes = {"GET": "coupons:redeem"}

    @extend_schema(operation_id="result_of_redemption", responses=CouponAnswer)
    def get(self, request: Request, request_id: UUID) -> Response:
        answer = services.result_of(device_id=self.device_id, request_id=request_id)
        if answer is None:
            raise exceptions.NotFound(_("This request never arrived."), code="UNKNOWN_REQUEST")
        return self.answer(answer)


class ReverseView(CouponView):
    """Take back a redemption that the same key made, within the batch's minutes; a repeat returns the first."""

    scopes = {"POST": "coupons:reverse"}

    @extend_schema(operation_id="reverse_redemption", request=ReverseQuestion, responses=Reversed)
    def post(self, request: Request, redemption_no: str) -> Response:
        facts = self.read(ReverseQuestion, request.data)
        try:
            undo = reverse(
                redemption_no=redemption_no, device_id=self.device_id, reason=facts["reason"], by=self.caller,
                now=clock.now(),
            )  # fmt: skip
        except Redemption.DoesNotExist as missing:
            raise exceptions.NotFound(_("There is no such redemption.")) from missing
        return Response({"redemption_no": redemption_no, "reversed_at": undo.reversed_at})
