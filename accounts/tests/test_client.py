import pytest

from accounts import client


@pytest.mark.parametrize(
    ("proxies", "forwarded", "address"),
    [
        (0, None, "192.0.2.1"),
        (0, "203.0.113.9", "192.0.2.1"),
        (1, None, "192.0.2.1"),
        (1, "203.0.113.9", "203.0.113.9"),
        (1, "1.1.1.1, 203.0.113.9", "203.0.113.9"),
        (2, "1.1.1.1, 203.0.113.9, 10.0.0.1", "203.0.113.9"),
        (2, "203.0.113.9", "203.0.113.9"),
        (1, "2001:DB8::1", "2001:db8::1"),
        (1, "unknown", None),
    ],
)
def test_the_address_is_what_our_own_proxies_say(rf, settings, proxies, forwarded, address):
    settings.PROXIES = proxies
    headers = {} if forwarded is None else {"HTTP_X_FORWARDED_FOR": forwarded}

    assert client.address(rf.get("/", REMOTE_ADDR="192.0.2.1", **headers)) == address


def test_behind_a_socket_there_is_no_address(rf):
    assert client.address(rf.get("/", REMOTE_ADDR="")) is None
