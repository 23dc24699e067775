"""The redemption ledger and refused attempts, to look at."""

from django.contrib import admin
from django.utils.translation import gettext_lazy as _
from unfold.contrib.filters.admin import RelatedDropdownFilter

from coupons.models import Redemption, RedemptionAttempt
from foundation.admin_mixins import ReadOnlyAdmin
from foundation.money import format_fen


@admin.register(Redemption)
class RedemptionAdmin(ReadOnlyAdmin):
    """What was redeemed, where, by whom."""

    list_display = ("redemption_no", "redeemed_at", "batch", "store", "clerk", "saving", "state")
    list_filter = ("state", "input_channel", "business_date", ("store", RelatedDropdownFilter))
    list_filter_submit = True
    search_fields = ("redemption_no__exact",)
    fen_columns = {"saving": "discount_fen"}  # numbers in an exported file
    list_select_related = ("batch", "store", "clerk")
    ordering = ("-id",)
    fields = (
        "redemption_no", "state", "redeemed_at", "batch", "store", "clerk", "device_id", "input_channel", "receipt_no",
        "ticket", "saving", "business_date",
    )  # fmt: skip

    @admin.display(description=_("saving (yuan)"))
    def saving(self, redemption: Redemption) -> str:
        """Yuan."""
        return format_fen(redemption.discount_fen)

    @admin.display(description=_("ticket (yuan)"))
    def ticket(self, redemption: Redemption) -> str:
        """Yuan, or a dash when no amount was asked for."""
        return "—" if redemption.ticket_fen is None else format_fen(redemption.ticket_fen)


@admin.register(RedemptionAttempt)
class RedemptionAttemptAdmin(ReadOnlyAdmin):
    """What was refused at a till, and why."""

    list_display = ("at", "reason", "store", "clerk", "input_channel", "is_well_formed")
    list_filter = ("reason", ("store", RelatedDropdownFilter))
    list_filter_submit = True
    list_select_related = ("store", "clerk")
    ordering = ("-id",)
