"""Addresses of the doors, under /console/. They stand before the admin's own and take their places."""

from django.urls import path

from console.doors import login

urlpatterns = [
    path("login/", login.OfficeLogin.as_view(), name="office-login"),
]
