"""What a till's page asks, as JSON. Refusals of a coupon are answers (200); refusals of an act are 409."""

from typing import Any
from uuid import UUID

from django.utils.translation import gettext as _
from rest_framework import exceptions
from rest_framework.permissions import BasePermission, IsAuthenticated
from rest_framework.request import Request
from rest_framework.response import Response

from coupons.models import Redemption
from coupons.queries import till_history
from coupons.serializers import inputs
from coupons.serializers.rows import history_rows, totals
from coupons.serializers.verdicts import show
from coupons.services import redeem as services
from coupons.services.reverse import reverse
from coupons.services.till import STORE_KEY, business_date, store_of_session
from foundation import clock
from foundation.models import Operator
from foundation.rest.views import AnswersErrors
from members.models import Store
from members.queries.stores import may_undo_in


class MayRedeem(BasePermission):
    """A clerk: may redeem coupons at a till."""

    def has_permission(self, request: Request, view: Any) -> bool:
        return request.user.has_perm("coupons.redeem")


class NoStore(exceptions.PermissionDenied):
    """The clerk's session has no store, or one that they no longer work for."""

    default_code = "NO_STORE"


class TillView(AnswersErrors):
    """A question from a clerk's till."""

    permission_classes = [IsAuthenticated, MayRedeem]
    schema = None  # the page's own calls are no part of the API for other systems
    clerk: Operator
    store: Store

    def initial(self, request: Request, *args: Any, **kwargs: Any) -> None:
        super().initial(request, *args, **kwargs)
        assert isinstance(request.user, Operator)
        store = store_of_session(operator=request.user, store_id=request.session.get(STORE_KEY), now=clock.now())
        if store is None:
            raise NoStore(_("Choose your store first."))
        self.clerk, self.store = request.user, store

    def handle_exception(self, exc: Exception) -> Response:
        if isinstance(exc, Redemption.DoesNotExist):
            exc = exceptions.NotFound(_("There is no such redemption."))
        return super().handle_exception(exc)

    def question(self, facts: dict[str, Any]) -> services.Question:
        """The service's question out of checked input."""
        return services.Question(
            text=facts["text"], device_id=facts["device_id"], clerk=self.clerk, store=self.store,
            input_channel=facts["input_channel"], ticket_fen=facts["ticket"], receipt_no=facts["receipt_no"],
            needs_shift=True,
        )  # fmt: skip

    def answer(self, answer: services.Answer) -> Response:
        """The answer as it is stored, and beside it the words to show."""
        return Response({"answer": answer, "page": show(answer, zone=self.store.zone, now=clock.now())})


class PreviewView(TillView):
    """What would happen."""

    def post(self, request: Request) -> Response:
        facts = self.read(inputs.PreviewInput, request.data)
        return self.answer(services.preview(question=self.question(facts), now=clock.now()))


class RedeemView(TillView):
    """Redeem; the same request id gets the same answer."""

    def post(self, request: Request) -> Response:
        facts = self.read(inputs.RedeemInput, request.data)
        question = self.question(facts)
        return self.answer(services.redeem(question=question, request_id=facts["request_id"], now=clock.now()))


class ResultView(TillView):
    """What became of a request whose answer got lost."""

    def get(self, request: Request, request_id: UUID) -> Response:
        device = self.read(inputs.DeviceInput, request.query_params)
        answer = services.result_of(device_id=device["device_id"], request_id=request_id)
        if answer is None:
            raise exceptions.NotFound(_("This request never arrived."), code="UNKNOWN_REQUEST")
        return self.answer(answer)


class UndoView(TillView):
    """Undo one redemption."""

    def post(self, request: Request) -> Response:
        facts = self.read(inputs.UndoInput, request.data)
        undo = reverse(**facts, by=self.clerk, now=clock.now())
        return Response({"redemption_no": facts["redemption_no"], "reversed_at": undo.reversed_at.isoformat()})


class HistoryView(TillView):
    """Today's redemptions of this clerk; of the store for its manager."""

    def get(self, request: Request) -> Response:
        device = self.read(inputs.DeviceInput, request.query_params)
        now = clock.now()
        is_manager = may_undo_in(operator=self.clerk, store_id=self.store.pk, now=now)
        found = till_history(
            store_id=self.store.pk, clerk_id=None if is_manager else self.clerk.pk,
            business_date=business_date(store=self.store, now=now),
        )  # fmt: skip
        rows = history_rows(
            found, clerk_id=self.clerk.pk, device_id=device["device_id"], is_manager=is_manager, now=now
        )
        return Response({"rows": rows, **totals(found)})
