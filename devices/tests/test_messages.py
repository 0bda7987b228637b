import pytest
from django.core import mail

from accounts.models import OutgoingMail
from devices.tests.factories import make_device, make_token

MESSAGE = {"title": "Hi", "sender": "skill", "body": "<b>text</b>\nand more"}


@pytest.fixture
def send(device_client, device, django_capture_on_commit_callbacks):
    """A function that has the device send a message."""

    def send(message):
        with django_capture_on_commit_callbacks(execute=True):
            return device_client.put(f"/v1/device/{device.pk}/message", message)

    return send


def test_a_message_goes_to_the_account_s_address(send, device):
    response = send(MESSAGE)

    assert (response.status_code, response.content) == (200, b"")
    [message] = mail.outbox
    assert (message.to, message.cc, message.bcc) == ([device.account.email], [], [])
    assert message.subject == "Hi"
    assert message.body == (
        f"<b>text</b>\nand more\n\nSent by skill on your device {device.name}.\n\n-- \nSelene\n"
    )
    [html] = message.alternatives
    assert "&lt;b&gt;text&lt;/b&gt;<br>and more" in html.content


def test_a_title_is_one_header(send):
    send(MESSAGE | {"title": "Hi\r\nBcc: all@example.com\u2028\x07"})

    [message] = mail.outbox
    assert message.subject == "Hi Bcc: all@example.com"
    assert message.recipients() == message.to
    assert "\nBcc" not in message.message().as_string()


def test_who_else_is_named_gets_nothing(send, device):
    send(MESSAGE | {"to": "all@example.com", "sender": "a <all@example.com>", "bcc": ["x@y.z"]})

    [message] = mail.outbox
    assert message.recipients() == [device.account.email]
    assert "all@example.com" not in message.message()["From"]


@pytest.mark.parametrize("field", ["title", "sender", "body"])
@pytest.mark.parametrize(
    ("value", "reason"),
    [
        (None, "This field may not be null."),
        ("", "This field may not be blank."),
        ([], "Not a valid string."),
        ("x" * 50_001, "Ensure this field has no more than "),
    ],
)
def test_what_is_wrong_with_a_message_is_named(send, field, value, reason):
    response = send(MESSAGE | {field: value})

    assert response.status_code == 400
    [[text]] = response.json().values()
    assert list(response.json()) == [field]
    assert text.startswith(reason)
    assert not OutgoingMail.objects.exists()


def test_title_sender_and_body_are_required(send):
    response = send({})

    required = ["This field is required."]
    assert response.status_code == 400
    assert response.json() == {"title": required, "sender": required, "body": required}


def test_a_title_of_control_characters_is_none(send):
    response = send(MESSAGE | {"title": "\x07\u2028"})

    assert (response.status_code, response.json()) == (
        400,
        {"title": ["This field may not be blank."]},
    )


def test_a_message_needs_the_device_s_own_token(api, device_client, device):
    other = make_device(device.account)

    answers = [
        client.put(f"/v1/device/{other.pk}/message", MESSAGE) for client in (api, device_client)
    ]

    assert [answer.status_code for answer in answers] == [401, 401]
    assert [list(answer.json()) for answer in answers] == [["error"], ["error"]]
    assert not OutgoingMail.objects.exists()


def test_an_account_gets_so_many_messages_an_hour_however_many_devices(api, account, limit_rate):
    limit_rate("message", "2/hour")

    statuses = []
    for _ in range(3):
        device = make_device(account)
        headers = {"Authorization": f"Bearer {make_token(device)}"}
        answer = api.put(f"/v1/device/{device.pk}/message", MESSAGE, headers=headers)
        statuses.append(answer.status_code)

    assert statuses == [200, 200, 429]
    assert int(answer["Retry-After"]) > 3000
    assert OutgoingMail.objects.count() == 2
