"""Pages for members."""

from django.urls import path

from members import pages

app_name = "members"
urlpatterns = [path("p/<str:token>", pages.preference, name="preference")]
