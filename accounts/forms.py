"""Forms of the back office for accounts and their passwords."""

from django import forms
from unfold.forms import (
    AdminOwnPasswordChangeForm,
    AdminPasswordChangeForm,
    UserChangeForm,
    UserCreationForm,
)

from accounts import passwords
from accounts.models import Account


class SignsOut:
    """A form for passwords that ends the sessions begun with the old one."""

    def set_password_and_save(
        self, user: Account, *names: str, commit: bool = True, **more_names: str
    ) -> Account:
        user = super().set_password_and_save(user, *names, commit=False, **more_names)  # type: ignore[misc]
        passwords.save(user)
        return user


class PasswordForm(SignsOut, AdminPasswordChangeForm):
    """Somebody else's password."""


class OwnPasswordForm(SignsOut, AdminOwnPasswordChangeForm):
    """One's own password."""


class NewAccountForm(UserCreationForm):
    class Meta:
        model = Account
        fields = ("email",)
        field_classes: dict[str, type[forms.Field]] = {}


class AccountForm(UserChangeForm):
    class Meta:
        model = Account
        fields = "__all__"
        field_classes: dict[str, type[forms.Field]] = {}
