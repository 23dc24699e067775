"""Every address of the API for other systems, and its description."""

from django.urls import URLPattern, path, register_converter
from django.urls.converters import StringConverter

from campaigns import api as campaigns
from coupons.api import v1 as coupons
from delivery import api as delivery
from members import api as members


class Number(StringConverter):
    """A row's number; one that is too large for the database is none."""

    regex = "[0-9]{1,18}"

    def to_python(self, value: str) -> int:  # type: ignore[override]
        return int(value)


register_converter(Number, "number")

urlpatterns: list[URLPattern] = [
    path("members", members.MembersView.as_view()),
    path("members/<str:card_no>", members.MemberView.as_view()),
    path("orders", members.OrdersView.as_view()),
    path("suppressions", members.SuppressionsView.as_view()),
    path("suppressions/<number:pk>", members.SuppressionView.as_view()),
    path("segments", members.SegmentsView.as_view()),
    path("segments/<number:pk>/count", members.SegmentCountView.as_view()),
    path("messages", delivery.MessagesView.as_view()),
    path("messages/<str:reference>", delivery.OneMessageView.as_view()),
    path("coupons/preview", coupons.PreviewView.as_view()),
    path("coupons/redeem", coupons.RedeemView.as_view()),
    path("coupons/results/<uuid:request_id>", coupons.ResultView.as_view()),
    path("redemptions/<str:redemption_no>/reverse", coupons.ReverseView.as_view()),
    path("campaigns", campaigns.CampaignsView.as_view()),
    path("campaigns/<number:pk>", campaigns.CampaignView.as_view()),
    path("runs/<number:pk>/report", campaigns.ReportView.as_view()),
]
