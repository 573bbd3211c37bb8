"""A CI system's issuer of identity tokens on loopback, over real TLS with an authority of its own."""

from __future__ import annotations

import contextlib
import datetime as dt
import ipaddress
import json
import ssl
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs, urlsplit

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID

from infratrack.capture.clock import now
from tests.evidence.identity.issuer import github_claims, key_set, token
from tests.evidence.identity.sigstore_instance import SigstoreInstance

BEARER = "bearer-of-this-job-0123456789"
_DAY = dt.timedelta(days=1)


class IssuerServer:
    """What it is asked stands in `asked`; what it answers can be changed."""

    def __init__(self, folder: Path) -> None:
        self.asked: list[str] = []
        self.claims: dict[str, Any] = {}
        self.status: list[int] = []
        """Statuses to answer with before all is well."""
        self.answers: dict[str, bytes] = {}
        """What to answer under a path instead of what is right."""
        self.keys = key_set("one")
        self.sigstore: SigstoreInstance | None = None
        """Answers what is posted."""
        self.authority = _certificate(folder)
        self._server = ThreadingHTTPServer(("127.0.0.1", 0), self._handler())
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.load_cert_chain(self.authority)
        self._server.socket = context.wrap_socket(self._server.socket, server_side=True)
        self.url = f"https://127.0.0.1:{self._server.server_address[1]}"

    @contextlib.contextmanager
    def serving(self) -> Iterator[IssuerServer]:
        thread = threading.Thread(target=self._server.serve_forever, args=(0.02,), daemon=True)
        thread.start()
        try:
            yield self
        finally:
            self._server.shutdown()
            self._server.server_close()
            thread.join()

    @property
    def environment(self) -> dict[str, str]:
        """The variables of a GitHub job with `id-token: write` whose issuer this is."""
        return {
            "ACTIONS_ID_TOKEN_REQUEST_URL": f"{self.url}/token?api-version=2.0",
            "ACTIONS_ID_TOKEN_REQUEST_TOKEN": BEARER,
            "REQUESTS_CA_BUNDLE": str(self.authority),
        }

    def token_for(self, audience: str) -> str:
        moment = now() // 1_000_000
        times = {"iat": moment, "nbf": moment - 5, "exp": moment + 300}
        return token(github_claims(audience, iss=self.url, **{**times, **self.claims}))

    def _handler(issuer) -> type[BaseHTTPRequestHandler]:  # noqa: N805 -- the handler has a self of its own
        class Handler(BaseHTTPRequestHandler):
            def do_GET(self) -> None:
                issuer.asked.append(self.path)
                if issuer.status:
                    self.send_response(issuer.status.pop(0))
                    self.send_header("Location", f"{issuer.url}/elsewhere")
                    self.end_headers()
                    return
                content = issuer.answers.get(urlsplit(self.path).path) or issuer.answer(self.path, self.headers)
                self.send_response(200 if content else 404)
                self.end_headers()
                with contextlib.suppress(OSError):
                    self.wfile.write(content)

            def do_POST(self) -> None:
                assert issuer.sigstore is not None
                content = self.rfile.read(int(self.headers["Content-Length"]))
                status, answer = issuer.sigstore.post(self.path, content, self.headers)
                self.send_response(status)
                self.send_header("Content-Length", str(len(answer)))
                self.end_headers()
                self.wfile.write(answer)

            def log_message(self, format: str, *arguments: object) -> None:  # noqa: A002 -- its name
                """Say nothing."""

        return Handler

    def answer(self, path: str, headers: Any) -> bytes:
        parts = urlsplit(path)
        if parts.path == "/.well-known/openid-configuration":
            return json.dumps({"issuer": self.url, "jwks_uri": f"{self.url}/jwks"}).encode()
        if parts.path == "/jwks":
            assert "Authorization" not in headers
            return self.keys.encode()
        if parts.path == "/token" and headers["Authorization"] == f"Bearer {BEARER}":
            query = parse_qs(parts.query)
            assert query["api-version"] == ["2.0"]
            return json.dumps({"count": 1, "value": self.token_for(query["audience"][0])}).encode()
        return b""


def _certificate(folder: Path) -> Path:
    """A certificate for 127.0.0.1 that vouches for itself, with its key, in one file."""
    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "issuer for tests")])
    begin = dt.datetime.fromtimestamp(now() // 1_000_000, dt.UTC) - _DAY
    made = (
        x509.CertificateBuilder()
        .subject_name(name)
        .issuer_name(name)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(begin)
        .not_valid_after(begin + 30 * _DAY)
        .add_extension(x509.SubjectAlternativeName([x509.IPAddress(ipaddress.ip_address("127.0.0.1"))]), critical=False)
        .add_extension(x509.BasicConstraints(ca=True, path_length=0), critical=True)
        .sign(key, hashes.SHA256())
    )
    path = folder / "issuer.pem"
    form = serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
    private = key.private_bytes(serialization.Encoding.PEM, *form)
    path.write_bytes(made.public_bytes(serialization.Encoding.PEM) + private)
    return path
