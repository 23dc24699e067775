"""Members, orders, suppression and segments for other systems. Fields and rules are those of the member files."""

from collections.abc import Mapping, Sequence
from typing import Any

from django.utils.translation import gettext as _
from drf_spectacular.utils import extend_schema
from rest_framework import exceptions, serializers
from rest_framework.request import Request
from rest_framework.response import Response

from foundation import clock
from foundation.models import JobState
from foundation.phone import PhoneRefused, mask_tail, parse_mobile
from foundation.rest.views import CURSOR, ApiView, ByStore, page_of, page_schema
from foundation.row_scope import stores_in_scope
from foundation.services.phones import open_phone, seal
from members.models import (
    Consent,
    ConsentSource,
    EraseReason,
    Erasure,
    ImportKind,
    Lifecycle,
    Member,
    PhoneGate,
    Segment,
    Suppression,
    SuppressionKind,
)
from members.queries.segment import count
from members.services.cards import card_hash
from members.services.erase import erase_person
from members.services.imports.chunk import Tally
from members.services.imports.direct import write_rows
from members.services.imports.errors import reason_sentence
from members.services.suppression import lift, suppress

ROWS = 1_000
CELL_LETTERS = 200
YES_NO = {True: "是", False: "否", None: ""}


class Cell(serializers.CharField):
    """A text as a file would have it; blank says nothing."""

    def __init__(self, *, needed: bool = False, **more: Any) -> None:
        blank = {"required": True} if needed else {"required": False, "allow_blank": True, "default": ""}
        super().__init__(max_length=CELL_LETTERS, **blank, **more)


class MemberFacts(serializers.Serializer):
    """What may be said of a member. Blank keeps what is known."""

    phone = Cell()
    name = Cell()
    gender = Cell(help_text="男, 女, M, F or blank.")
    birthday = Cell(help_text="2000-01-31.")
    home_store = Cell(help_text="A store code.")
    city = Cell()
    level = Cell()
    joined_at = Cell(help_text="2026-01-31 18:05, Asia/Shanghai unless it says otherwise.")
    income_band = Cell()
    household_size = Cell()
    kids = Cell()
    marketing_consent = serializers.BooleanField(
        required=False, allow_null=True, default=None, help_text="An opt-out by the person is never revived by this."
    )


class MemberRow(MemberFacts):
    """One member, kept by card number."""

    card_no = Cell(needed=True)
    phone = Cell(needed=True)


class OrderRow(serializers.Serializer):
    """One order, kept by its number. Amounts are yuan."""

    order_no = Cell(needed=True)
    card_no = Cell(needed=True)
    store_code = Cell()
    paid_at = Cell(needed=True)
    amount = Cell(needed=True)
    discount = Cell()
    lines = Cell()


class Refused(serializers.Serializer):
    """A row that was not written."""

    row = serializers.IntegerField(help_text="Its place in the call, from 0.")
    code = serializers.CharField()
    detail = serializers.CharField()


class Written(serializers.Serializer):
    """What became of the rows: new + changed + same + refused are all of them."""

    new = serializers.IntegerField()
    changed = serializers.IntegerField()
    same = serializers.IntegerField()
    refused = Refused(many=True)


class MemberShown(serializers.Serializer):
    """A member; of the phone its last four digits."""

    card_no = serializers.CharField()
    name = serializers.CharField()
    phone = serializers.CharField(help_text="Masked.")
    gender = serializers.CharField()
    birthday = serializers.DateField(allow_null=True)
    home_store = serializers.CharField(allow_null=True)
    city = serializers.CharField()
    level = serializers.CharField()
    joined_at = serializers.DateTimeField(allow_null=True)
    consent = serializers.ChoiceField(Consent.choices)
    last_purchase_at = serializers.DateTimeField(allow_null=True)
    purchase_count = serializers.IntegerField()
    spend_fen = serializers.IntegerField()
    lifecycle = serializers.ChoiceField(Lifecycle.choices)


class ErasureShown(serializers.Serializer):
    """A card that was erased. It is over once `is_complete`: then nothing is on its way to the person any more."""

    erased_at = serializers.DateTimeField()
    is_complete = serializers.BooleanField()


class SuppressionOrder(serializers.Serializer):
    """A phone that nobody may write to."""

    phone = serializers.CharField(max_length=20)
    note = serializers.CharField(max_length=200, required=False, allow_blank=True, default="")


class SuppressionShown(serializers.ModelSerializer):
    """An entry of the suppression list; of the phone its last four digits."""

    kind = serializers.ChoiceField(SuppressionKind.choices)

    class Meta:
        model = Suppression
        fields = ["id", "phone_tail", "kind", "note", "since", "until"]


class SegmentShown(serializers.ModelSerializer):
    """A segment with its last count."""

    class Meta:
        model = Segment
        fields = ["id", "name", "note", "member_count", "counted_at"]


class Count(serializers.Serializer):
    """How many members a segment picks now."""

    count = serializers.IntegerField()


def batch_of(row: type[serializers.Serializer]) -> type[serializers.Serializer]:
    """Up to a thousand rows in one call."""
    fields = {"rows": serializers.ListField(child=row(), min_length=1, max_length=ROWS), "__doc__": "Rows to write."}
    return type(f"{row.__name__}s", (serializers.Serializer,), fields)


MemberRows, OrderRows = batch_of(MemberRow), batch_of(OrderRow)


class WriteView(ApiView):
    """Reads and writes rows of the key's stores, by the rules of files."""

    stores = ByStore.LIMITED

    def write(self, kind: str, rows: Sequence[Mapping[str, Any]]) -> Tally:
        """What became of each row."""
        cells = [{name: _cell(value) for name, value in row.items()} for row in rows]
        now = clock.now()
        return write_rows(
            kind=kind, rows=cells, stores=stores_in_scope(), proof=f"{self.key.key_id} {now:%Y-%m-%d %H:%M:%S}", now=now
        )


def _cell(value: Any) -> str:
    return value if isinstance(value, str) else YES_NO[value]


def written(tally: Tally) -> dict[str, Any]:
    """The answer to a call that writes."""
    refused = [
        {"row": row, "code": code, "detail": reason_sentence(code)} for row, code in sorted(tally.refused.items())
    ]
    return {"new": tally.new, "changed": tally.changed, "same": tally.same, "refused": refused}


def _member(card_no: str) -> Member:
    found = Member.objects.present().select_related("home_store").filter(card_no=card_no).first()
    if found is None:
        raise exceptions.NotFound(_("There is no member with this card number."))
    return found


class MembersView(WriteView):
    """Write up to a thousand members; a row that is wrong is refused alone."""

    scopes = {"POST": "members:write"}

    @extend_schema(operation_id="write_members", request=MemberRows, responses=Written)
    def post(self, request: Request) -> Response:
        return Response(written(self.write(ImportKind.MEMBERS, self.read(MemberRows, request.data)["rows"])))


class MemberView(WriteView):
    """One member."""

    scopes = {"GET": "members:read", "PATCH": "members:write", "DELETE": "members:erase"}

    @extend_schema(operation_id="read_member", responses=MemberShown)
    def get(self, request: Request, card_no: str) -> Response:
        return Response(_shown(_member(card_no)))

    @extend_schema(operation_id="change_member", request=MemberFacts, responses=MemberShown)
    def patch(self, request: Request, card_no: str) -> Response:
        facts, member = self.read(MemberFacts, request.data), _member(card_no)
        if not facts["phone"] and member.phone_cipher is not None:
            facts["phone"] = open_phone(bytes(member.phone_cipher))
        tally = self.write(ImportKind.MEMBERS, [{**facts, "card_no": card_no}])
        if tally.refused:
            raise serializers.ValidationError([reason_sentence(tally.refused[0])])
        return Response(_shown(_member(card_no)))

    @extend_schema(operation_id="erase_member", request=None, responses=ErasureShown)
    def delete(self, request: Request, card_no: str) -> Response:
        """Erase the person behind a card for good, with all cards of the phone. A repeat tells how it stands."""
        if stores_in_scope() is not None:  # a person may have cards and orders in any store
            raise exceptions.PermissionDenied(_("This is open to keys for every store only."), "STORE_SCOPE")
        erasure = _erasure(card_no)
        if erasure is None or erasure.job.state in (JobState.FAILED, JobState.CANCELLED):
            member = _member(card_no) if erasure is None else erasure.member
            erase_person(
                phone_hash=member.phone_hash if erasure is None else erasure.phone_hash, member_ids=[member.pk],
                reason=EraseReason.SYSTEM, source=ConsentSource.API, by=self.caller, now=clock.now(),
            )  # fmt: skip
            erasure = _erasure(card_no)
        assert erasure is not None
        is_complete = erasure.job.state == JobState.DONE
        return Response({"erased_at": erasure.member.erased_at, "is_complete": is_complete})


def _erasure(card_no: str) -> Erasure | None:
    rows = Erasure.objects.select_related("member", "job")
    return rows.filter(card_hash=card_hash(card_no)).first()


def _shown(member: Member) -> dict[str, Any]:
    gate = PhoneGate.objects.filter(phone_hash=member.phone_hash).first() if member.phone_hash else None
    return {
        "card_no": member.card_no, "name": member.name, "phone": mask_tail(member.phone_tail), "gender": member.gender,
        "birthday": member.birthday, "home_store": member.home_store.code if member.home_store else None,
        "city": member.city, "level": member.level, "joined_at": member.joined_at,
        "consent": gate.consent if gate else Consent.NONE, "last_purchase_at": member.last_purchase_at,
        "purchase_count": member.purchase_count, "spend_fen": member.spend_fen, "lifecycle": member.lifecycle,
    }  # fmt: skip


class OrdersView(WriteView):
    """Write up to a thousand orders. What members spent in all is added up at night."""

    scopes = {"POST": "orders:write"}

    @extend_schema(operation_id="write_orders", request=OrderRows, responses=Written)
    def post(self, request: Request) -> Response:
        return Response(written(self.write(ImportKind.ORDERS, self.read(OrderRows, request.data)["rows"])))


class SuppressionsView(ApiView):
    """The suppression list."""

    scopes = {"GET": "suppression:read", "POST": "suppression:write"}

    @extend_schema(operation_id="list_suppressions", parameters=CURSOR, responses=page_schema(SuppressionShown))
    def get(self, request: Request) -> Response:
        return page_of(request, Suppression.objects.in_force_at(clock.now()), SuppressionShown, view=self)

    @extend_schema(operation_id="suppress_phone", request=SuppressionOrder, responses=SuppressionShown)
    def post(self, request: Request) -> Response:
        facts = self.read(SuppressionOrder, request.data)
        try:
            sealed = seal(parse_mobile(facts["phone"]))
        except PhoneRefused as refused:
            raise serializers.ValidationError(
                {"phone": [_("This is no mobile number. It needs 11 digits.")]}
            ) from refused
        entry = suppress(
            phone_hash=sealed.hash, kind=SuppressionKind.MANUAL, note=facts["note"], tail=sealed.tail, by=self.caller,
            now=clock.now(),
        )  # fmt: skip
        return Response(SuppressionShown(entry).data)


class SuppressionView(ApiView):
    """One entry that was put on the list by hand."""

    scopes = {"DELETE": "suppression:write"}

    @extend_schema(operation_id="lift_suppression", responses={204: None})
    def delete(self, request: Request, pk: int) -> Response:
        if not Suppression.objects.filter(pk=pk, kind=SuppressionKind.MANUAL).exists():
            raise exceptions.NotFound(_("There is no such entry that was put on the list by hand."))
        lift(suppression_id=pk, by=self.caller, now=clock.now())
        return Response(status=204)


class SegmentsView(ApiView):
    """All segments, newest first."""

    scopes = {"GET": "segments:read"}

    @extend_schema(operation_id="list_segments", parameters=CURSOR, responses=page_schema(SegmentShown))
    def get(self, request: Request) -> Response:
        return page_of(request, Segment.objects.all(), SegmentShown, view=self)


class SegmentCountView(ApiView):
    """Count a segment anew."""

    scopes = {"GET": "segments:read"}

    @extend_schema(operation_id="count_segment", responses=Count)
    def get(self, request: Request, pk: int) -> Response:
        found = Segment.objects.filter(pk=pk).first()
        if found is None:
            raise exceptions.NotFound
        return Response({"count": count(rule=found.rule, now=clock.now())})
