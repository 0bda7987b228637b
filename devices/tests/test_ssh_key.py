import base64
from urllib.parse import quote

import pytest
from cryptography.hazmat.primitives.asymmetric import dsa, ec, ed25519, rsa
from cryptography.hazmat.primitives.serialization import (
    Encoding,
    PublicFormat,
    SSHCertificateBuilder,
    SSHCertificateType,
)

from devices import ssh_keys


def line(private_key):
    public_key = private_key.public_key()
    return public_key.public_bytes(Encoding.OpenSSH, PublicFormat.OpenSSH).decode()


def packed(*parts):
    """Return a key of these parts in base64, as OpenSSH packs them."""
    return base64.b64encode(b"".join(len(p).to_bytes(4, "big") + p for p in parts)).decode()


ED25519 = ed25519.Ed25519PrivateKey.from_private_bytes(b"k" * 32)  # the names of tests hold it
KEY = line(ED25519)
SK_TYPE = b"sk-ssh-ed25519@openssh.com"
KEYS = {
    "rsa": line(rsa.generate_private_key(65_537, 2_048)),
    "ed25519": KEY,
    "nistp256": line(ec.generate_private_key(ec.SECP256R1())),
    "nistp384": line(ec.generate_private_key(ec.SECP384R1())),
    "nistp521": line(ec.generate_private_key(ec.SECP521R1())),
    "of a security key": f"{SK_TYPE.decode()} "
    + packed(SK_TYPE, ED25519.public_key().public_bytes_raw(), b"ssh:"),
}


def dsa_line():
    y = dsa.generate_private_key(1_024).public_key().public_numbers()
    numbers = (y.parameter_numbers.p, y.parameter_numbers.q, y.parameter_numbers.g, y.y)
    parts = [n.to_bytes(n.bit_length() // 8 + 1, "big") for n in numbers]
    return f"ssh-dss {packed(b'ssh-dss', *parts)}"


def certificate():
    builder = SSHCertificateBuilder(
        _public_key=ED25519.public_key(),
        _serial=1,
        _type=SSHCertificateType.USER,
        _key_id=b"a",
        _valid_principals=[b"a"],
        _valid_before=2**40,
        _valid_after=0,
        _critical_options=[],
        _extensions=[],
    )
    return builder.sign(ED25519).public_bytes().decode()


NO_KEYS = {
    "nothing": "",
    "a word": "garbage",
    "two words": "ssh-rsa key",
    "a type without its key": "ssh-ed25519",
    "a key of another type": KEY.replace("ssh-ed25519", "ssh-rsa"),
    "half a key": KEY[:-20],
    "more than a key": KEY + "AAAA",
    "a key with a letter that is none of base64": KEY[:-5] + "!" + KEY[-5:],
    "a private key": "-----BEGIN OPENSSH PRIVATE KEY-----\nAAAA\n-----END OPENSSH PRIVATE KEY-----",
    "a key behind an option": f'command="reboot" {KEY}',
    "two keys": f"{KEY}\n{KEY}",
    "two keys in old Mac lines": f"{KEY}\r{KEY}",
    "a compressed point": "ecdsa-sha2-nistp256 "
    + packed(b"ecdsa-sha2-nistp256", b"nistp256", b"\x02" + b"\x11" * 32),
    "a dsa key": dsa_line(),
    "a certificate": certificate(),
    "a megabyte": "ssh-rsa " + "A" * 1_000_000,
    "a lone surrogate": f"{KEY} \ud800\n",
}


@pytest.mark.parametrize("name", KEYS)
@pytest.mark.parametrize("around", ["{}", "{} me@host", "  {}\tmy own kitchen, größer \n"])
def test_a_public_key_of_openssh_is_valid(name, around):
    assert ssh_keys.is_valid(around.format(KEYS[name]))


@pytest.mark.parametrize("name", [name for name in NO_KEYS if name != "a lone surrogate"])
def test_anything_else_is_not(name):
    assert not ssh_keys.is_valid(NO_KEYS[name])


@pytest.mark.parametrize("times", [1, 2])
def test_a_key_may_be_encoded_twice_as_selene_ui_does(account_client, times):
    key = f"{KEYS['rsa']} me@host"
    for _ in range(times):
        key = quote(key, safe="")

    response = account_client.get(f"/api/ssh-key?key={key}")

    assert (response.status_code, response.json()) == (200, {"isValid": True})


@pytest.mark.parametrize("name", [name for name in NO_KEYS if name != "a megabyte"])
def test_whatever_was_typed_is_answered(account_client, name):
    key = quote(NO_KEYS[name].encode(errors="surrogatepass"))

    response = account_client.get(f"/api/ssh-key?key={quote(key)}")

    assert response.status_code == 200
    assert response.json() == {"isValid": name == "a lone surrogate"}  # it became a comment


@pytest.mark.parametrize(
    "query", ["", "?", "?key", "?key=%ff%fe", "?key=%00", "?key=%", "?kex=a", "?key=a&key="]
)
def test_a_query_without_a_key_is_answered(account_client, query):
    response = account_client.get(f"/api/ssh-key{query}")

    assert (response.status_code, response.json()) == (200, {"isValid": False})


@pytest.mark.django_db
def test_asking_about_a_key_needs_a_login(api):
    response = api.get("/api/ssh-key?key=x")

    assert response.status_code == 401
    assert response.json() == {"error": "no authentication tokens found"}


def test_asking_about_keys_is_throttled(account_client, limit_rate):
    limit_rate("ssh-key", "1/minute")

    statuses = [account_client.get("/api/ssh-key?key=x").status_code for _ in range(2)]

    assert statuses == [200, 429]
