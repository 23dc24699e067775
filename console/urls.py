"""All addresses."""

from django.contrib import admin
from django.urls import URLPattern, URLResolver, include, path
from django.views.i18n import set_language
from drf_spectacular.views import SpectacularJSONAPIView, SpectacularSwaggerSplitView

from console import pages

urlpatterns: list[URLPattern | URLResolver] = [
    path("", pages.front_door, name="front-door"),
    path("healthz", pages.healthz, name="healthz"),
    path("language/", set_language, name="set_language"),
    path("", include("coupons.urls")),
    path("", include("members.urls")),
    path("", include("delivery.urls")),
    path("api/v1/", include("console.api_urls")),
    path("console/api/schema", SpectacularJSONAPIView.as_view(), name="api-schema"),
    path("console/api/", SpectacularSwaggerSplitView.as_view(url_name="api-schema"), name="api-description"),
    path("console/", include("console.doors.urls")),
    path("console/", include("console.workplaces.urls")),
    path("console/", admin.site.urls),
]

handler403 = "console.pages.refused"
handler404 = "console.pages.missing"
handler500 = "console.pages.broken"
