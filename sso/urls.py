"""Paths of this app."""

from django.urls import path

from accounts.views.visitors import AgreementView
from sso.views import federated, mailed_links, pages, resetting, signing_in

account_api = [
    path("account", signing_in.AccountView.as_view()),
    path("agreement/<str:agreement_type>", AgreementView.as_view()),
    path("internal-login", signing_in.InternalLoginView.as_view()),
    path("logout", signing_in.LogoutView.as_view()),
    path("github-token", federated.GithubTokenView.as_view()),
    path("password-change", resetting.PasswordChangeView.as_view()),
    path("password-reset", resetting.PasswordResetView.as_view()),
    path("validate-email", federated.ValidateEmailView.as_view()),
    path("validate-federated", federated.ValidateFederatedView.as_view()),
    path("validate-token", resetting.ValidateTokenView.as_view()),
]

sign_in_pages = [
    path("sso/login/<str:provider>/", pages.LoginPage.as_view()),
    path("sso/complete/<str:provider>/", pages.CompletePage.as_view(), name="sso-complete"),
]

# Where mails lead to; a Selene UI in front of this server has pages of its own there.
mailed_link_pages = [
    path("change-password", mailed_links.ChangePasswordPage.as_view()),
    path("lost-password", mailed_links.LostPasswordPage.as_view()),
    path("verify-email", mailed_links.VerifyEmailPage.as_view()),
]
