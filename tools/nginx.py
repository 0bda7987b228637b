"""nginx with the configuration of ``deploy/nginx``, on ports of its own, for tests that drive it.

What is changed for it is what an operator changes too: names of files, ports, the servers behind.
"""

import datetime
import http.client
import json
import os
import re
import shutil
import socket
import ssl
import subprocess
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from email.message import Message
from pathlib import Path
from typing import Any

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec

from tools import services
from tools.live import ROOT, free_port

CONFIGURATION = ROOT / "deploy" / "nginx"
MAIN = """
pid {folder}/nginx.pid;
error_log {folder}/error.log warn;
worker_processes 1;
{user}
events {{ worker_connections 4096; }}
http {{
    client_body_temp_path {folder}/body;
    proxy_temp_path {folder}/proxy;
    fastcgi_temp_path {folder}/fastcgi;
    uwsgi_temp_path {folder}/uwsgi;
    scgi_temp_path {folder}/scgi;
    include {folder}/selene.conf;
}}
"""


@dataclass(frozen=True)
class Answer:
    status: int
    headers: Message
    body: bytes

    def json(self) -> Any:  # noqa: ANN401
        return json.loads(self.body)


class Nginx:
    """nginx in ``folder``: ``upstreams`` are the ports behind each upstream of ``configuration``.

    ``replace`` changes more of the configuration: texts, each of which must be there.
    """

    def __init__(
        self,
        folder: Path,
        configuration: str,
        upstreams: Mapping[str, Sequence[int]],
        replace: Mapping[str, str] | None = None,
    ) -> None:
        self.folder = folder
        folder.mkdir()
        self.http_port, self.https_port = free_port(), free_port()
        self._write_certificate()
        parts = folder / "selene"
        parts.mkdir()
        for name in ("http.conf", "server.conf"):
            (parts / name).write_text(self._fitted(CONFIGURATION / name))
        text = self._fitted(CONFIGURATION / configuration)
        for name, ports in upstreams.items():
            text = _with_servers(text, name, ports)
        for old, new in (replace or {}).items():
            assert old in text, old
            text = text.replace(old, new)
        (folder / "selene.conf").write_text(text)
        # As root, its workers would be somebody else, who cannot write here.
        user = "user root;" if _is_root() else ""
        (folder / "nginx.conf").write_text(MAIN.format(folder=folder, user=user))

    def check(self) -> str:
        """Return what ``nginx -t`` says; the empty text if all is well."""
        done = subprocess.run([*self._command(), "-t", "-q"], capture_output=True, text=True)
        return done.stderr

    def start(self) -> None:
        """Start it and wait until it listens."""
        command = [*self._command(), "-g", "daemon off;"]
        with (self.folder / "output").open("ab") as output:
            self._process = subprocess.Popen(command, stdin=subprocess.DEVNULL, stderr=output)
        services.wait_until(self._listens, what=f"no nginx: {self.check()}", limit=10)

    def close(self) -> None:
        self._process.terminate()
        self._process.wait(10)

    def ask(
        self,
        host: str,
        path: str,
        *,
        method: str = "GET",
        headers: Mapping[str, str] | None = None,
        body: bytes | None = None,
    ) -> Answer:
        """Send one request by TLS, as if ``host`` were the name of this machine."""
        address = ("127.0.0.1", self.https_port)
        context = ssl.create_default_context(cafile=str(self.folder / "fullchain.pem"))
        with (
            socket.create_connection(address, timeout=30) as plain,
            context.wrap_socket(plain, server_hostname=host) as connection,
        ):
            client = http.client.HTTPConnection(host)
            client.sock = connection
            client.request(method, path, body, {"Connection": "close"} | dict(headers or {}))
            response = client.getresponse()
            return Answer(response.status, response.headers, response.read())

    def log(self) -> str:
        """Return the log of errors."""
        return (self.folder / "error.log").read_text()

    def _command(self) -> list[str]:
        program = shutil.which("nginx") or "/usr/sbin/nginx"
        return [program, "-p", str(self.folder), "-c", str(self.folder / "nginx.conf")]

    def _listens(self) -> bool:
        try:
            socket.create_connection(("127.0.0.1", self.https_port), timeout=1).close()
        except OSError:
            return False
        return True

    def _fitted(self, path: Path) -> str:
        text = path.read_text()
        text = re.sub(r"^ *listen \[::\].*\n", "", text, flags=re.MULTILINE)
        for old, new in {
            "listen 80": f"listen 127.0.0.1:{self.http_port}",
            "listen 443": f"listen 127.0.0.1:{self.https_port}",
            "/etc/nginx/selene/": f"{self.folder}/selene/",
            "/etc/letsencrypt/live/selene.example/": f"{self.folder}/",
            "/var/log/nginx/": f"{self.folder}/",
            " buffer=64k flush=5s": "",  # tests read the log at once
        }.items():
            text = text.replace(old, new)
        return text

    def _write_certificate(self) -> None:
        key = ec.generate_private_key(ec.SECP256R1())
        name = x509.Name([x509.NameAttribute(x509.NameOID.COMMON_NAME, "selene.example")])
        names = [x509.DNSName(each) for each in ("selene.example", "*.selene.example")]
        now = datetime.datetime.now(datetime.UTC)
        certificate = (
            x509.CertificateBuilder()
            .subject_name(name)
            .issuer_name(name)
            .public_key(key.public_key())
            .serial_number(x509.random_serial_number())
            .not_valid_before(now - datetime.timedelta(days=1))
            .not_valid_after(now + datetime.timedelta(days=1))
            .add_extension(x509.SubjectAlternativeName(names), critical=False)
            .sign(key, hashes.SHA256())
        )
        pem = serialization.Encoding.PEM
        (self.folder / "fullchain.pem").write_bytes(certificate.public_bytes(pem))
        (self.folder / "privkey.pem").write_bytes(
            key.private_bytes(pem, serialization.PrivateFormat.PKCS8, serialization.NoEncryption())
        )


def is_installed() -> bool:
    return shutil.which("nginx") is not None or Path("/usr/sbin/nginx").exists()


def _with_servers(text: str, upstream: str, ports: Sequence[int]) -> str:
    """Return ``text`` with one line for each port in the upstream, and the options that it has."""
    block = re.compile(rf"(upstream {upstream} {{\n.*\n)    server \S+( [^;]+);\n")
    lines = "".join(rf"    server 127.0.0.1:{port}\g<2>;\n" for port in ports)
    changed, count = block.subn(rf"\g<1>{lines}", text)
    assert count == 1, upstream
    return changed


def _is_root() -> bool:
    return os.geteuid() == 0
