"""Paths of this app."""

from django.urls import path

from accounts.views import profile, visitors

account_api = [
    path("account", profile.AccountView.as_view()),
    path("agreement/<str:agreement_type>", visitors.AgreementView.as_view()),
    path("memberships", profile.MembershipsView.as_view()),
]
