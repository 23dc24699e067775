"""Addresses of the work places, under /console/."""

from django.urls import path, re_path

from console.workplaces import batches, campaigns, imports, messages, segments, texts, waiting

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
        r"^campaigns/(?P<pk>\d{1,18})/(?P<action>submit|approve|reject)/$", campaigns.campaign_action,
        name="campaign-action",
    ),
    path("runs/<int:pk>/progress/", campaigns.run_progress, name="run-progress"),
    re_path(r"^runs/(?P<pk>\d{1,18})/(?P<action>pause|resume|stop)/$", campaigns.run_action, name="run-action"),
    path("messages/", messages.messages, name="messages"),
]  # fmt: skip
