"""Addresses of the doors, under /console/. They stand before the admin's own and take their places."""

from django.urls import path, re_path

from console.doors import access, login, password, second_factor

urlpatterns = [
    path("login/", login.OfficeLogin.as_view(), name="office-login"),
    path("password_change/", password.OwnPassword.as_view(), name="own-password"),
    path("login/code/", second_factor.code, name="login-code"),
    path("second-factor/", second_factor.second_factor, name="second-factor"),
    path("second-factor/codes/", second_factor.recovery_codes, name="recovery-codes"),
    path("operators/<int:pk>/access/", access.access, name="operator-access"),
    path("operators/<int:pk>/password/", access.give_password, name="operator-password"),
    re_path(
        r"^operators/(?P<pk>[0-9]{1,18})/access/(?P<action>unlock|second-factor|logout)/$", access.access_action,
        name="operator-access-action",
    ),
]  # fmt: skip
