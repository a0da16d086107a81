"""The paths of this door. Ours stand before allauth's of the same path."""

from django.urls import URLPattern, URLResolver, include, path

from accounts.people import views

urlpatterns: list[URLPattern | URLResolver] = [
    path("accounts/reauthenticate/", views.reauthenticate, name="account_reauthenticate"),
    path("accounts/2fa/totp/activate/", views.ActivateTotp.as_view(), name="mfa_activate_totp"),
    path(
        "accounts/2fa/webauthn/keys/<int:pk>/remove/",
        views.RemovePasskey.as_view(),
        name="mfa_remove_webauthn",
    ),
    path("accounts/2fa/", include("allauth.mfa.urls")),
    path("accounts/", include("allauth.account.urls")),
    path("dev/mail", views.development_mail, name="development_mail"),
]
