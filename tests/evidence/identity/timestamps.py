"""A timestamp authority for tests (RFC 3161): OpenSSL's, with keys of its own."""

from __future__ import annotations

import datetime as dt
import subprocess
from pathlib import Path
from typing import Final

from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat
from cryptography.x509.oid import ExtendedKeyUsageOID, NameOID

SETTINGS: Final = """\
[tsa]
default_tsa = this
[this]
serial = {folder}/serial
signer_cert = {folder}/signer.pem
signer_key = {folder}/signer.key
certs = {folder}/signer.pem
signer_digest = sha256
default_policy = 1.3.6.1.4.1.57264.2
digests = sha256
ess_cert_id_alg = sha256
"""


class TimestampAuthority:
    """Stamps whatever it is asked to with the time of this machine."""

    def __init__(self, folder: Path, moment: dt.datetime) -> None:
        folder.mkdir()
        self._folder = folder
        root, signer = (ec.generate_private_key(ec.SECP256R1()) for _ in range(2))
        self.chain = [
            _certificate("signer", signer, "root", root, moment),
            _certificate("root", root, "root", root, moment),
        ]
        """From the signer up."""
        private = signer.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption())
        (self._folder / "signer.key").write_bytes(private)
        (self._folder / "signer.pem").write_bytes(self.chain[0].public_bytes(Encoding.PEM))
        (self._folder / "serial").write_text("01")
        (self._folder / "settings").write_text(SETTINGS.format(folder=self._folder))

    def answer(self, query: bytes) -> bytes:
        (self._folder / "query").write_bytes(query)
        command = ["openssl", "ts", "-reply", "-config", "settings", "-queryfile", "query", "-out", "answer"]
        subprocess.run(command, cwd=self._folder, check=True, capture_output=True, timeout=30)
        return (self._folder / "answer").read_bytes()


def _certificate(
    name: str, key: ec.EllipticCurvePrivateKey, issuer: str, issuer_key: ec.EllipticCurvePrivateKey, moment: dt.datetime
) -> x509.Certificate:
    itself, day = name == issuer, dt.timedelta(days=1)
    used = x509.KeyUsage(not itself, False, False, False, False, itself, itself, False, False)  # noqa: FBT003 -- so many
    made = (
        x509.CertificateBuilder()
        .subject_name(x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, name)]))
        .issuer_name(x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, issuer)]))
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(moment - day)
        .not_valid_after(moment + day)
        .add_extension(x509.BasicConstraints(ca=itself, path_length=None), critical=True)
        .add_extension(used, critical=True)
        .add_extension(x509.SubjectKeyIdentifier.from_public_key(key.public_key()), critical=False)
        .add_extension(x509.AuthorityKeyIdentifier.from_issuer_public_key(issuer_key.public_key()), critical=False)
    )
    if not itself:
        made = made.add_extension(x509.ExtendedKeyUsage([ExtendedKeyUsageOID.TIME_STAMPING]), critical=True)
    return made.sign(issuer_key, hashes.SHA256())
