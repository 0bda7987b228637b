"""Mail: what is written, when it goes out, and what becomes of it on bad days."""

import re
import stat
import threading
from contextlib import closing
from datetime import timedelta

import pytest
from django.core import mail as outside
from django.core.management import CommandError, call_command
from django.db import connection, transaction
from django.utils import timezone

from accounts import deletion, encryption, mail
from accounts.models import OutgoingMail
from accounts.tests.factories import make_account
from accounts.tests.threads import at_once
from accounts.upstream import http, mail_services
from tools.smtp_server import KINDS, SmtpServer

pytestmark = pytest.mark.django_db

ADA = "ada@example.com"
URL = "http://localhost:8000/change-password?token=abc"


def write_mail(to=ADA, url=URL):
    """Write a mail and leave it to the job."""
    mail.send("password_reset", to, url=url)
    return OutgoingMail.objects.get(recipient=to)


@pytest.fixture
def smtp(settings):
    """A mail server that the settings point to."""
    settings.EMAIL_BACKEND = "accounts.upstream.mail_services.Smtp"
    settings.EMAIL_HOST, settings.EMAIL_USE_TLS = "127.0.0.1", False
    with closing(SmtpServer()) as server:
        settings.EMAIL_PORT = server.port
        yield server


@pytest.fixture
def sendgrid(settings, httpserver):
    """A SendGrid that takes any mail."""
    settings.EMAIL_BACKEND = "accounts.upstream.mail_services.SendGrid"
    settings.SENDGRID_API_KEY, settings.SENDGRID_API_URL = "SG.k", httpserver.url_for("/v3")
    httpserver.expect_request("/v3/mail/send", method="POST").respond_with_data("", status=202)
    return httpserver


@pytest.fixture
def away(settings, smtp):
    """A mail server that takes nothing."""
    smtp.kind = "refusing"


@pytest.fixture
def files(settings, tmp_path):
    """A household without a mail server."""
    settings.EMAIL_BACKEND = "accounts.upstream.mail_services.Files"
    settings.DATA_DIR = tmp_path
    return tmp_path / "mail"


def test_a_mail_goes_out_once_its_transaction_is_committed(django_capture_on_commit_callbacks):
    with django_capture_on_commit_callbacks(execute=True):
        mail.send("password_reset", ADA, url=URL)
        before = list(outside.outbox)

    [message] = outside.outbox
    row = OutgoingMail.objects.get()
    assert before == []
    assert (message.to, message.from_email) == ([ADA], "Selene <selene@localhost>")
    assert message.subject == "A new password for your account at Selene"
    assert message.extra_headers["Message-ID"] == f"<{row.pk}@localhost>"
    assert row.state == "sent"
    assert (row.text, row.html, row.attempts, row.last_error) == ("", "", 1, "")


@pytest.mark.django_db(transaction=True)
def test_a_mail_about_what_was_rolled_back_is_never_sent():
    with transaction.atomic():
        mail.send("password_reset", ADA, url=URL)
        transaction.set_rollback(True)

    assert outside.outbox == []
    assert not OutgoingMail.objects.exists()


def test_until_it_is_sent_its_text_is_encrypted():
    row = write_mail()

    assert (row.state, row.subject) == ("waiting", "A new password for your account at Selene")
    assert "localhost" not in row.text + row.html
    assert URL in encryption.decrypt(row.text)
    assert URL in encryption.decrypt(row.html)


def test_both_parts_say_the_same_and_name_the_installation(settings):
    settings.INSTALLATION_NAME = "Voices & Co"
    write_mail(url=f"{URL}&next=<b>")

    mail.deliver_due()

    [message] = outside.outbox
    [(html, kind)] = message.alternatives
    assert kind == "text/html"
    assert message.subject == "A new password for your account at Voices & Co"
    assert f"{URL}&next=<b>\n" in message.body
    assert message.body.endswith("\n-- \nVoices & Co\n")
    assert "account of this address at Voices &amp; Co. Choose it within an hour" in html
    assert f'href="{URL}&amp;next=&lt;b&gt;"' in html
    assert "<b>" not in html


@pytest.mark.parametrize(
    "template",
    [
        "password_reset",
        "no_account",
        "password_changed",
        "email_change_requested",
        "verify_email",
        "address_in_use",
    ],
)
def test_each_mail_has_three_parts_and_the_name_of_the_installation(settings, template):
    settings.INSTALLATION_NAME = "Our House"
    mail.send(template, ADA, url=URL)

    mail.deliver_due()

    [message] = outside.outbox
    html = message.alternatives[0][0]
    has_link = template in ("password_reset", "verify_email")
    assert "Our House" in message.subject
    assert message.body.count("Our House") >= 2
    assert html.count("Our House") >= 2
    assert ((URL in message.body), (URL in html)) == (has_link, has_link)
    assert not re.search(r"Mycroft|\{[%{]", message.subject + message.body + html)
    assert max(map(len, message.body.replace(URL, "").splitlines())) <= 100


def test_no_header_can_be_slipped_into_a_mail(settings):
    settings.INSTALLATION_NAME = "Home\r\nBcc: eve@example.com\x00\u2028X: y"

    write_mail()
    mail.deliver_due()

    sent = outside.outbox[0].message()
    assert sent["Subject"] == "A new password for your account at Home Bcc: eve@example.com X: y"
    assert (sent["To"], sent["Bcc"], sent["X"]) == (ADA, None, None)


@pytest.mark.parametrize(
    "address",
    [
        "",
        "ada",
        "ada@example.com\nBcc: eve@example.com",
        "ada@example.com, eve@example.com",
        "ada@example.com;eve@example.com",
        "Ada <ada@example.com>",
        '"a b"@example.com',
        "ada@example.com\0",
    ],
)
def test_what_is_not_one_plain_address_gets_no_mail(address):
    mail.send("password_reset", address, url=URL)

    assert not OutgoingMail.objects.exists()


def test_a_mail_server_gets_a_whole_mail(smtp):
    row = write_mail()

    assert mail.deliver_due() == (1, 0)

    [message] = smtp.messages
    assert (message["To"], message["From"]) == (ADA, "Selene <selene@localhost>")
    assert message["Auto-Submitted"] == "auto-generated"
    assert message["Message-ID"] == f"<{row.pk}@localhost>"
    assert [part.get_content_type() for part in message.iter_parts()] == ["text/plain", "text/html"]
    assert URL in message.get_body(["plain"]).get_content()
    assert URL in message.get_body(["html"]).get_content()


def test_an_address_beyond_ascii_is_no_trouble(smtp):
    write_mail("zoë@bücher.example")

    assert mail.deliver_due() == (1, 0)
    assert "xn--bcher-kva.example" in smtp.messages[0]["To"].addresses[0].addr_spec


@pytest.mark.parametrize("kind", KINDS)
def test_a_bad_day_of_the_mail_server_is_noted_without_its_words(settings, smtp, kind):
    settings.EMAIL_TIMEOUT = 0.15
    row = write_mail()

    with closing(SmtpServer(kind)) as server:
        settings.EMAIL_PORT = server.port
        began = timezone.now()
        result = mail.deliver_due()
        took = timezone.now() - began

    row.refresh_from_db()
    assert result == (0, 1)
    assert took < timedelta(seconds=1)
    assert (row.state, row.attempts) == ("waiting", 1)
    assert row.next_attempt_at > timezone.now() + timedelta(minutes=1)
    assert row.last_error.startswith("mail server ")
    assert ADA not in row.last_error
    assert ("550" in row.last_error) == (kind == "refusing")


def test_sendgrid_gets_a_whole_mail_and_does_not_follow_its_links(sendgrid):
    write_mail()

    assert mail.deliver_due() == (1, 0)

    [(request, _)] = sendgrid.log
    body = request.get_json()
    assert request.headers["Authorization"] == "Bearer SG.k"
    assert body["personalizations"][0]["to"] == [{"email": ADA}]
    assert body["from"] == {"email": "selene@localhost", "name": "Selene"}
    assert body["subject"] == "A new password for your account at Selene"
    assert [part["type"] for part in body["content"]] == ["text/plain", "text/html"]
    assert all(URL in part["value"] for part in body["content"])
    assert body["tracking_settings"]["click_tracking"]["enable"] is False
    assert body["tracking_settings"]["open_tracking"]["enable"] is False


def test_a_bad_day_of_sendgrid_is_noted_with_its_name_alone(sendgrid, settings, bad_upstream):
    settings.SENDGRID_API_URL = bad_upstream.url
    row = write_mail()

    assert mail.deliver_due() == (0, 1)

    row.refresh_from_db()
    words = "timed out" if bad_upstream.status == 504 else "failed"
    code = " (302)" if bad_upstream.kind == "redirecting" else ""
    assert (row.state, row.last_error) == ("waiting", f"SendGrid{code} {words}")


def test_a_refusal_of_sendgrid_is_noted_with_its_status_alone(sendgrid):
    sendgrid.clear()
    sendgrid.expect_request("/v3/mail/send").respond_with_json(
        {"errors": [{"message": "key SG.k is wrong"}]}, status=401
    )
    row = write_mail()

    assert mail.deliver_due() == (0, 1)

    row.refresh_from_db()
    assert row.last_error == "SendGrid (401) failed"


def test_without_a_mail_server_each_mail_is_a_file_for_its_owner_and_the_link_is_logged(
    files, caplog
):
    write_mail()

    with caplog.at_level("INFO"):
        assert mail.deliver_due() == (1, 0)

    [path] = files.iterdir()
    text = path.read_text()
    assert path.suffix == ".eml"
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    assert stat.S_IMODE(files.stat().st_mode) == 0o700
    assert f"To: {ADA}\n" in text
    assert f"{URL}\n" in text
    assert caplog.messages == [f"a mail is in {path}; its link: {URL}"]


def test_a_mail_without_link_is_logged_without_one(files, caplog):
    mail.send("password_changed", ADA)

    with caplog.at_level("INFO"):
        mail.deliver_due()

    assert caplog.messages == [f"a mail is in {next(files.iterdir())}"]


def test_a_folder_that_cannot_be_written_is_noted(settings, files):
    files.parent.joinpath("mail").write_text("in the way")
    row = write_mail()

    assert mail.deliver_due() == (0, 1)

    row.refresh_from_db()
    assert row.last_error == "mail folder (FileExistsError) failed"


def test_a_mail_that_failed_is_tried_ever_more_rarely_for_about_a_day(away, pass_time):
    row = write_mail()
    began = timezone.now()
    tries = []

    for _ in range(400):
        if mail.deliver_due() == (0, 1):
            tries.append((timezone.now() - began) // timedelta(minutes=5))
        pass_time(timedelta(minutes=5))

    row.refresh_from_db()
    pauses = [later - sooner for sooner, later in zip(tries, tries[1:], strict=False)]
    assert len(tries) == mail.ATTEMPTS
    assert pauses == sorted(pauses)
    assert 22 * 12 < tries[-1] < 30 * 12
    assert (row.state, row.attempts) == ("given up", mail.ATTEMPTS)
    assert row.last_error == "mail server (SMTPRecipientsRefused 550) failed"


def test_a_mail_that_was_given_up_can_be_sent_again(smtp):
    row = write_mail()
    OutgoingMail.objects.update(attempts=mail.ATTEMPTS, next_attempt_at=None)
    assert mail.deliver_due() == (0, 0)

    count = mail.send_again(OutgoingMail.objects.all())

    assert (count, mail.deliver_due()) == (1, (1, 0))
    row.refresh_from_db()
    assert (row.state, row.attempts, len(smtp.messages)) == ("sent", 1, 1)


def test_a_mail_that_was_sent_is_not_sent_again(smtp):
    write_mail()
    mail.deliver_due()

    assert mail.send_again(OutgoingMail.objects.all()) == 0
    assert mail.deliver_due() == (0, 0)
    assert len(smtp.messages) == 1


def test_while_the_mail_server_is_away_few_mails_wait_for_it(away):
    for number in range(8):
        write_mail(f"person{number}@example.com")

    assert mail.deliver_due() == (0, mail.FAILURES_IN_A_ROW)
    assert OutgoingMail.objects.filter(attempts=0).count() == 8 - mail.FAILURES_IN_A_ROW


def test_a_mail_whose_key_is_lost_is_noted_and_stops_no_other(settings, smtp):
    row = write_mail()
    OutgoingMail.objects.update(text="garbage")
    write_mail("bob@example.com")

    assert mail.deliver_due() == (1, 1)

    row.refresh_from_db()
    assert row.last_error == "InvalidToken"


def test_a_mail_for_which_no_place_is_free_is_left_to_the_job(settings, smtp):
    settings.UPSTREAM_CONCURRENCY = 1
    row = write_mail()

    with http.slot():
        meanwhile = mail.deliver_due()

    row.refresh_from_db()
    assert (meanwhile, row.attempts, row.last_error) == ((0, 0), 0, "")
    assert mail.deliver_due() == (1, 0)


@pytest.mark.django_db(transaction=True)
def test_of_several_processes_one_sends_a_mail(smtp):
    for number in range(4):
        mail.OutgoingMail.objects.create(
            template="password_reset",
            recipient=f"person{number}@example.com",
            subject="x",
            text=encryption.encrypt("x"),
            html=encryption.encrypt("x"),
        )

    results = at_once(*[mail.deliver_due] * 4)

    assert sum(sent for sent, _ in results) == 4
    assert sorted(message["To"] for message in smtp.messages) == [
        f"person{number}@example.com" for number in range(4)
    ]


@pytest.mark.django_db(transaction=True)
def test_the_mail_server_is_asked_outside_of_any_transaction(settings):
    settings.EMAIL_BACKEND = f"{__name__}.Watching"
    with transaction.atomic():
        mail.send("password_reset", ADA, url=URL)

    assert Watching.was_in_transaction == [False]


class Watching(mail_services.BaseEmailBackend):
    """Notes whether it is called within a transaction."""

    was_in_transaction = []

    def send_messages(self, messages):
        self.was_in_transaction.append(connection.in_atomic_block)
        return len(messages)


def test_the_job_says_how_much_it_sent(smtp):
    write_mail()

    assert call_command("send_mail") == "1 mails sent"


def test_the_job_fails_when_a_mail_did(away):
    write_mail()

    with pytest.raises(CommandError, match="^0 mails sent, 1 not: see Outgoing mail$"):
        call_command("send_mail")


def test_mail_is_kept_for_thirty_days(files, pass_time):
    write_mail()
    mail.deliver_due()
    pass_time(timedelta(days=29))
    early = mail.purge()
    pass_time(timedelta(days=2))

    assert (early, mail.purge()) == (0, 1)
    assert not OutgoingMail.objects.exists()
    assert list(files.iterdir()) == []


def test_mail_to_an_account_goes_with_it():
    account = make_account(ADA)
    write_mail()
    write_mail("bob@example.com")

    deletion.delete(account)

    assert [row.recipient for row in OutgoingMail.objects.all()] == ["bob@example.com"]


def test_slow_mail_does_not_hold_more_threads_than_may_wait(settings, smtp):
    settings.UPSTREAM_CONCURRENCY, settings.EMAIL_TIMEOUT = 1, 0.3
    with closing(SmtpServer("slow")) as server:
        settings.EMAIL_PORT = server.port
        message = outside.EmailMessage("x", "x", to=[ADA])
        failures = []

        def send():
            try:
                message.send()
            except http.Unavailable as error:
                failures.append(error)

        first = threading.Thread(target=send)
        first.start()
        while not mail_services.http._slots._taken:
            pass
        with pytest.raises(http.Busy):
            message.send()
        first.join()

    assert [error.timed_out for error in failures] == [False]
