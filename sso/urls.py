"""Paths of this app."""

from django.urls import path

from accounts.views.visitors import AgreementView, ValidateEmailView
from sso import views

account_api = [
    path("account", views.AccountView.as_view()),
    path("agreement/<str:agreement_type>", AgreementView.as_view()),
    path("internal-login", views.InternalLoginView.as_view()),
    path("logout", views.LogoutView.as_view()),
    path("validate-email", ValidateEmailView.as_view()),
]
