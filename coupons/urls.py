"""The till, its API, and members' coupons."""

from django.urls import path

from coupons.api import till as api
from coupons.pages import coupon, entry, history, manager, shift, till

app_name = "coupons"
urlpatterns = [
    path("till/", till.ready, name="till"),
    path("till/login/", entry.login, name="till_login"),
    path("till/code/", entry.code, name="till_code"),
    path("till/password/", entry.password, name="till_password"),
    path("till/logout/", entry.logout, name="till_logout"),
    path("till/store/", entry.choose_store, name="till_store"),
    path("till/check", till.check, name="till_check"),
    path("till/redeem", till.redeem, name="till_redeem"),
    path("till/recent", history.recent, name="till_recent"),
    path("till/history/", history.history, name="till_history"),
    path("till/shift/", shift.shift, name="till_shift"),
    path("till/shift/open", shift.begin, name="till_shift_open"),
    path("till/shift/close", shift.end, name="till_shift_close"),
    path("till/shift/<int:shift_id>/slip/", shift.slip, name="till_slip"),
    path("till/undo/<str:redemption_no>/", history.undo, name="till_undo"),
    path("till/manager/", manager.today, name="till_manager"),
    path("till/manager/undo/<str:redemption_no>/", manager.undo, name="till_manager_undo"),
    path("till/api/preview", api.PreviewView.as_view(), name="api_preview"),
    path("till/api/redeem", api.RedeemView.as_view(), name="api_redeem"),
    path("till/api/undo", api.UndoView.as_view(), name="api_undo"),
    path("till/api/result/<uuid:request_id>", api.ResultView.as_view(), name="api_result"),
    path("till/api/history", api.HistoryView.as_view(), name="api_history"),
    path("c/<str:token>", coupon.coupon, name="coupon"),
    path("c/<str:token>/large", coupon.large, name="coupon_large"),
    path("c/<str:token>/reminder.ics", coupon.reminder, name="coupon_reminder"),
    path("c/<str:token>/all", coupon.several, name="coupons_of_member"),
    path("c/<str:token>/messages", coupon.settings, name="coupon_settings"),
]
