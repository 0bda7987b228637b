"""Paths of this app."""

from django.urls import path

from accounts import views

account_api = [
    path("account", views.AccountView.as_view()),
    path("agreement/<str:agreement_type>", views.AgreementView.as_view()),
    path("memberships", views.MembershipsView.as_view()),
    path("validate-email", views.ValidateEmailView.as_view()),
]
