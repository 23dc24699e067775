"""Messages for other systems: one notice to one person, and what became of it."""

from django.utils.translation import gettext as _
from drf_spectacular.utils import extend_schema
from rest_framework import exceptions, serializers, status
from rest_framework.request import Request
from rest_framework.response import Response

from delivery.models import Dispatch, Message, MessageState
from delivery.rules.reference import parse_reference, reference_of
from delivery.services.ledger import API_SOURCE
from delivery.services.single import send_one
from foundation import clock
from foundation.phone import PhoneRefused
from foundation.rest.views import ApiView
from templates_sms.models import TemplateVersion, Tier

KEY = r"^[A-Za-z0-9_-]{8,40}\Z"
VALUE_LETTERS = 64


class MessageOrder(serializers.Serializer):
    """A notice to one person. The same key with the same body is the same message; with another body it is refused."""

    idempotency_key = serializers.RegexField(KEY, trim_whitespace=False)
    phone = serializers.CharField(max_length=20)
    template = serializers.CharField(max_length=80, help_text="The name of an approved template of the notice tier.")
    values = serializers.DictField(
        child=serializers.CharField(max_length=VALUE_LETTERS, allow_blank=True), required=False, default=dict,
        help_text="What fills the template's fields.",
    )  # fmt: skip


class MessageShown(serializers.Serializer):
    """A message. Cost is in 1/10000 yuan."""

    id = serializers.CharField()
    state = serializers.ChoiceField(MessageState.choices)
    reason = serializers.CharField(allow_blank=True)
    parts = serializers.IntegerField()
    cost = serializers.IntegerField()
    submitted_at = serializers.DateTimeField(allow_null=True)
    done_at = serializers.DateTimeField(allow_null=True)


def shown(message: Message) -> dict[str, object]:
    """A message as the API shows it."""
    return {
        "id": reference_of(message.month, message.id), "state": message.state, "reason": message.reason,
        "parts": message.parts, "cost": message.cost, "submitted_at": message.submitted_at, "done_at": message.done_at,
    }  # fmt: skip


class MessageView(ApiView):
    """What every message view knows."""

    @property
    def source(self) -> str:
        """How the dispatches of this key are called."""
        return f"{API_SOURCE}{self.key.pk}:"


class MessagesView(MessageView):
    """Write to one person."""

    scopes = {"POST": "messages:send"}

    @extend_schema(
        operation_id="send_message", request=MessageOrder, responses={201: MessageShown, 200: MessageShown}
    )  # fmt: skip
    def post(self, request: Request) -> Response:
        facts = self.read(MessageOrder, request.data)
        version = TemplateVersion.objects.filter(template__name=facts["template"], tier=Tier.NOTICE).order_by("-number")
        found = version.first()
        if found is None:
            raise serializers.ValidationError({"template": [_("There is no approved notice of this name.")]})
        try:
            message, is_new = send_one(
                source=f"{self.source}{facts['idempotency_key']}", phone=facts["phone"], version=found,
                params=facts["values"], by=self.caller, now=clock.now(),
            )  # fmt: skip
        except PhoneRefused as refused:
            raise serializers.ValidationError(
                {"phone": [_("This is no mobile number. It needs 11 digits.")]}
            ) from refused
        return Response(shown(message), status=status.HTTP_201_CREATED if is_new else status.HTTP_200_OK)


class OneMessageView(MessageView):
    """What became of a message that this key asked for."""

    scopes = {"GET": "messages:read"}

    @extend_schema(operation_id="read_message", responses=MessageShown)
    def get(self, request: Request, reference: str) -> Response:
        found = parse_reference(reference)
        message = Message.objects.filter(month=found[0], id=found[1]).first() if found else None
        mine = Dispatch.objects.filter(source__startswith=self.source)
        if message is None or not mine.filter(pk=message.dispatch_id).exists():
            raise exceptions.NotFound(_("This key asked for no message of this number."))
        return Response(shown(message))
