"""Addresses of the work places, under /console/."""

from django.urls import path, re_path

from console.workplaces import (
    alerts,
    batches,
    campaigns,
    channels,
    imports,
    messages,
    proofs,
    replies,
    segments,
    sending,
    texts,
    unknown_receipts,
    unsure,
    waiting,
)

urlpatterns = [
    path("waiting/", waiting.waiting, name="waiting"),
    path("imports/", imports.imports, name="imports"),
    path("imports/<int:pk>/", imports.import_page, name="import"),
    path("imports/<int:pk>/cancel/", imports.cancel_import, name="import-cancel"),
    path("imports/<int:pk>/refused.csv", imports.import_errors, name="import-errors"),
    path("segments/", segments.segments, name="segments"),
    path("segments/new/", segments.segment, name="segment-new"),
    path("segments/<int:pk>/", segments.segment, name="segment"),
    path("templates/", texts.texts, name="texts"),
    path("templates/new/", texts.text, name="text-new"),
    path("templates/<int:pk>/", texts.text, name="text"),
    re_path(r"^templates/(?P<pk>\d{1,18})/(?P<action>submit|approve|reject)/$", texts.text_action, name="text-action"),
    path("batches/", batches.batches, name="batches"),
    path("batches/new/", batches.batch, name="batch-new"),
    path("batches/<int:pk>/", batches.batch, name="batch"),
    re_path(
        r"^batches/(?P<pk>\d{1,18})/(?P<action>submit|approve|reject|pause|resume|void)/$", batches.batch_action,
        name="batch-action",
    ),
    path("campaigns/", campaigns.campaigns, name="campaigns"),
    path("campaigns/new/", campaigns.edit_campaign, name="campaign-new"),
    path("campaigns/<int:pk>/", campaigns.campaign, name="campaign"),
    path("campaigns/<int:pk>/started/", campaigns.campaign_started, name="campaign-started"),
    path("campaigns/<int:pk>/edit/", campaigns.edit_campaign, name="campaign-edit"),
    re_path(
        r"^campaigns/(?P<pk>\d{1,18})/(?P<action>submit|approve|reject|end)/$", campaigns.campaign_action,
        name="campaign-action",
    ),
    path("runs/<int:pk>/progress/", campaigns.run_progress, name="run-progress"),
    re_path(
        r"^runs/(?P<pk>\d{1,18})/(?P<action>pause|resume|stop|send-late|skip-late)/$", campaigns.run_action,
        name="run-action",
    ),
    path("messages/", messages.messages, name="messages"),
    path("replies/", replies.replies, name="replies"),
    path("replies/<int:pk>/", replies.reply, name="reply"),
    re_path(r"^replies/(?P<pk>\d{1,18})/(?P<action>assign|done)/$", replies.reply_action, name="reply-action"),
    path("sending/", sending.sending, name="sending"),
    path("sending/hold/", sending.pull, name="brake-pull"),
    path("sending/release/", sending.release, name="brake-release"),
    path("alerts/", alerts.alerts, name="alerts"),
    path("alerts/<int:pk>/close/", alerts.close_alert, name="alert-close"),
    path("proofs/", proofs.proofs, name="proofs"),
    path("unsure/", unsure.unsure, name="unsure"),
    re_path(r"^unsure/(?P<action>sent|not-sent)/$", unsure.decide, name="unsure-decide"),
    path("receipts/unknown/", unknown_receipts.unknown_receipts, name="unknown-receipts"),
    path("channels/", channels.channels, name="channels"),
    re_path(
        r"^channels/(?P<pk>\d{1,18})/(?P<action>open|drain|disable)/$", channels.channel_action, name="channel-action"
    ),
    path("channels/<int:pk>/test/", channels.channel_test, name="channel-test"),
]  # fmt: skip
