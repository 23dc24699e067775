"""Addresses of the delivery room."""

from django.urls import path

from delivery import pages, webhooks

urlpatterns = [
    path("l/<str:token>", pages.follow, name="follow-link"),
    path("hooks/<slug:token>/receipts/", webhooks.receipts, name="receipts-webhook"),
    path("hooks/<slug:token>/replies/", webhooks.replies, name="replies-webhook"),
]
