"""Paths of this app."""

from django.urls import path

from accounts.views import credentials, profile, stripe_webhook, visitors

account_api = [
    path("account", profile.AccountView.as_view()),
    path("agreement/<str:agreement_type>", visitors.AgreementView.as_view()),
    path("change-email", credentials.ChangeEmailView.as_view()),
    path("change-password", credentials.ChangePasswordView.as_view()),
    path("memberships", profile.MembershipsView.as_view()),
    path("verify-email", credentials.VerifyEmailView.as_view()),
]
device_api = [path("user/stripe/webhook", stripe_webhook.StripeWebhookView.as_view())]
