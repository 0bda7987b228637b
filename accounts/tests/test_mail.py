"""Mail: what is written, when it goes out, and what becomes of it on bad days."""

import pytest
from django.core import mail as django_mail

from accounts import mail

pytestmark = pytest.mark.django_db

URL = "https://sso.example/change-password?token=abc&x=1"


def test_a_mail_goes_out_after_the_commit(django_capture_on_commit_callbacks):
    with django_capture_on_commit_callbacks(execute=True):
        mail.send("password_reset", "ada@example.com", url=URL)
        before = len(django_mail.outbox)

    assert before == 0
    [message] = django_mail.outbox
    assert message.to == ["ada@example.com"]
    assert message.subject == "A new password for your account at Selene"
    assert URL in message.body
