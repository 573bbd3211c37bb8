"""A sigstore instance for tests: an authority that issues certificates (as Fulcio), a log of certificates, a log of
signatures (as Rekor v1), and a trusted root that names them. It checks what it is asked for and answers as they do."""

from __future__ import annotations

import base64
import datetime as dt
import hashlib
import json
import struct
from collections.abc import Mapping
from typing import Any, Final

import jwt
import rfc8785
from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat
from cryptography.x509.oid import ExtendedKeyUsageOID, NameOID, ObjectIdentifier

from infratrack.capture.clock import now
from infratrack.ledger.merkle import GrowingTree
from tests.evidence.identity.issuer import rsa_key
from tests.evidence.identity.timestamps import TimestampAuthority

FULCIO: Final = "1.3.6.1.4.1.57264.1."
EXTENSIONS: Final = {
    2: "event_name", 5: "repository", 6: "ref", 13: "sha", 14: "ref", 15: "repository_id", 20: "event_name",
    23: "environment",
}  # fmt: skip
"""Claims of GitHub that a certificate repeats as they are. The first six numbers are older and not in DER."""
OLDER: Final = 7
SCT_LIST: Final = ObjectIdentifier("1.3.6.1.4.1.11129.2.4.2")
MINUTE: Final = dt.timedelta(minutes=1)
YEAR: Final = dt.timedelta(days=365)


class SigstoreInstance:
    """Keys, certificates and logs. What it does wrong can be set."""

    def __init__(self) -> None:
        self.root, self.middle = _key(), _key()
        self.certificate_log, self.signature_log = _key(), _key()
        self.log_of_strangers = _key()
        self.moment = dt.datetime.fromtimestamp(now() // 1_000_000, dt.UTC)
        self.root_certificate = self._authority("root", self.root, "root", self.root, 1)
        self.middle_certificate = self._authority("middle", self.middle, "root", self.root, 0)
        self.leaves: list[bytes] = [b"somebody's", b"else's", b"entries"]
        self.status: list[int] = []
        """Statuses to answer with before all is well."""
        self.late = dt.timedelta(0)
        """How long after the certificate's issue a signature is logged."""
        self.logs_certificates = True
        self.asked: list[str] = []
        self.more: dict[int, bytes] = {}
        """Certificate extensions to add, or to write otherwise; empty ones are left out."""
        self.names: list[x509.GeneralName] | None = None
        self.timestamps: TimestampAuthority | None = None

    # What clients are given.

    def trusted_root(self) -> dict[str, Any]:
        chain = [self.middle_certificate, self.root_certificate]
        certificates = [{"rawBytes": _b64(one.public_bytes(Encoding.DER))} for one in chain]
        begin = {"start": _rfc3339(self.moment - YEAR)}
        return {
            "mediaType": "application/vnd.dev.sigstore.trustedroot+json;version=0.1",
            "tlogs": [_log("https://rekor.example", self.signature_log, begin)],
            "certificateAuthorities": [
                {
                    "subject": {"organization": "example", "commonName": "root"},
                    "uri": "https://fulcio.example",
                    "certChain": {"certificates": certificates},
                    "validFor": begin,
                }
            ],
            "ctlogs": [_log("https://ct.example", self.certificate_log, begin)],
            "timestampAuthorities": [self._timestamps(self.timestamps)] if self.timestamps else [],
        }

    def _timestamps(self, authority: TimestampAuthority) -> dict[str, Any]:
        certificates = [{"rawBytes": _b64(one.public_bytes(Encoding.DER))} for one in authority.chain]
        return {
            "subject": {"organization": "example", "commonName": "timestamps"},
            "uri": "https://timestamps.example",
            "certChain": {"certificates": certificates},
            "validFor": {"start": _rfc3339(self.moment - YEAR)},
        }

    def client_config(self, url: str) -> dict[str, Any]:
        service = {
            "url": url,
            "majorApiVersion": 1,
            "operator": "example",
            "validFor": {"start": "2020-01-01T00:00:00Z"},
        }
        return {
            "mediaType": "application/vnd.dev.sigstore.clienttrustconfig.v0.1+json",
            "trustedRoot": self.trusted_root(),
            "signingConfig": {
                "mediaType": "application/vnd.dev.sigstore.signingconfig.v0.2+json",
                "caUrls": [service],
                "rekorTlogUrls": [service],
                "rekorTlogConfig": {"selector": "ANY"},
                "tsaUrls": [{**service, "url": f"{url}/timestamp"}] if self.timestamps else [],
                "tsaConfig": {"selector": "ANY"},
            },
        }

    # What is asked over HTTP.

    def post(self, path: str, content: bytes, headers: Any) -> tuple[int, bytes]:
        self.asked.append(path)
        if self.status:
            return self.status.pop(0), b'{"code": 0, "message": "not now"}'
        if path == "/api/v2/signingCert":
            token = headers["Authorization"].removeprefix("Bearer ")
            request = base64.b64decode(json.loads(content)["certificateSigningRequest"])
            return 201, json.dumps(self._signing_certificate(token, request)).encode()
        if path == "/timestamp":
            assert self.timestamps
            return 200, self.timestamps.answer(content)
        assert path == "/api/v1/log/entries"
        return 201, json.dumps(self._log_entry(json.loads(content))).encode()

    def _signing_certificate(self, token: str, request: bytes) -> dict[str, Any]:
        claims = jwt.decode(token, rsa_key("one").public_key(), algorithms=["RS256"], audience="sigstore")
        asked = x509.load_pem_x509_csr(request)
        assert asked.is_signature_valid
        made = self.certificate(asked.public_key(), claims)
        chain = [made, self.middle_certificate, self.root_certificate]
        pems = [one.public_bytes(Encoding.PEM).decode() for one in chain]
        return {"signedCertificateEmbeddedSct": {"chain": {"certificates": pems}}}

    def certificate(self, public_key: Any, claims: Mapping[str, Any]) -> x509.Certificate:
        """A certificate for ten minutes, as a log of certificates has seen it."""
        issued = dt.datetime.fromtimestamp(now() // 1_000_000, dt.UTC)
        bare = (
            x509.CertificateBuilder()
            .subject_name(x509.Name([]))
            .issuer_name(_name("middle"))
            .public_key(public_key)
            .serial_number(x509.random_serial_number())
            .not_valid_before(issued)
            .not_valid_after(issued + 10 * MINUTE)
            .add_extension(_key_usage(digital_signature=True), critical=True)
            .add_extension(x509.ExtendedKeyUsage([ExtendedKeyUsageOID.CODE_SIGNING]), critical=False)
            .add_extension(x509.SubjectKeyIdentifier.from_public_key(public_key), critical=False)
            .add_extension(x509.AuthorityKeyIdentifier.from_issuer_public_key(self.middle.public_key()), critical=False)
        )
        names = [x509.UniformResourceIdentifier(f"https://github.com/{claims['job_workflow_ref']}")]
        bare = bare.add_extension(x509.SubjectAlternativeName(self.names or names), critical=True)
        for number, value in {**_said(claims), **self.more}.items():
            if value:
                identifier = ObjectIdentifier(f"{FULCIO}{number}")
                bare = bare.add_extension(x509.UnrecognizedExtension(identifier, value), critical=False)
        seen = bare.sign(self.middle, hashes.SHA256()).tbs_certificate_bytes
        stamp = self._certificate_timestamp(seen, issued)
        return bare.add_extension(x509.UnrecognizedExtension(SCT_LIST, stamp), critical=False).sign(
            self.middle, hashes.SHA256()
        )

    def _certificate_timestamp(self, seen: bytes, at: dt.datetime) -> bytes:
        """A list of one signed certificate timestamp (RFC 6962, section 3.2 and 3.3)."""
        milliseconds = int(at.timestamp() * 1_000)
        issuer = hashlib.sha256(_spki(self.middle)).digest()
        signed = struct.pack("!BBQH32sI", 0, 0, milliseconds, 1, issuer, len(seen))
        # The length has three bytes: the first of four goes.
        signed = signed[:-4] + signed[-3:] + seen + struct.pack("!H", 0)
        log = self.certificate_log if self.logs_certificates else self.log_of_strangers
        signature = log.sign(signed, ec.ECDSA(hashes.SHA256()))
        stamp = struct.pack("!B32sQHBBH", 0, _log_id(log), milliseconds, 0, 4, 3, len(signature)) + signature
        listed = struct.pack("!HH", len(stamp) + 2, len(stamp)) + stamp
        return bytes([0x04, len(listed)] if len(listed) < 0x80 else [0x04, 0x81, len(listed)]) + listed

    def _log_entry(self, proposed: Mapping[str, Any]) -> dict[str, Any]:
        """What Rekor answers to an envelope: the entry, its place in the log, and two signatures over that."""
        assert (proposed["kind"], proposed["apiVersion"]) == ("dsse", "0.0.1")
        content = proposed["spec"]["proposedContent"]
        envelope, (verifier,) = json.loads(content["envelope"]), content["verifiers"]
        certificate = x509.load_pem_x509_certificate(base64.b64decode(verifier))
        payload, (signature,) = base64.b64decode(envelope["payload"]), envelope["signatures"]
        kind = envelope["payloadType"]
        signed = f"DSSEv1 {len(kind)} {kind} {len(payload)} ".encode() + payload
        public_key = certificate.public_key()
        assert isinstance(public_key, ec.EllipticCurvePublicKey)
        public_key.verify(base64.b64decode(signature["sig"]), signed, ec.ECDSA(hashes.SHA256()))
        spec: Any = {
            "envelopeHash": {"algorithm": "sha256", "value": hashlib.sha256(content["envelope"].encode()).hexdigest()},
            "payloadHash": {"algorithm": "sha256", "value": hashlib.sha256(payload).hexdigest()},
            "signatures": [{"signature": signature["sig"], "verifier": verifier}],
        }
        return self._included(rfc8785.dumps({"apiVersion": "0.0.1", "kind": "dsse", "spec": spec}))

    def _included(self, body: bytes) -> dict[str, Any]:
        self.leaves.append(body)
        index, moment = len(self.leaves) - 1, now() // 1_000_000 + int(self.late.total_seconds())
        root, hashes_beside = _inclusion(self.leaves, index)
        identifier = _log_id(self.signature_log)
        entry: Any = {"body": _b64(body), "integratedTime": moment, "logID": identifier.hex(), "logIndex": index}
        promise = self.signature_log.sign(rfc8785.dumps(entry), ec.ECDSA(hashes.SHA256()))
        note = f"rekor.example - 1\n{len(self.leaves)}\n{_b64(root)}\n"
        signature = identifier[:4] + self.signature_log.sign(note.encode(), ec.ECDSA(hashes.SHA256()))
        proof = {
            "logIndex": index,
            "treeSize": len(self.leaves),
            "rootHash": root.hex(),
            "hashes": [one.hex() for one in hashes_beside],
            "checkpoint": f"{note}\n\u2014 rekor.example {_b64(signature)}\n",
        }
        verification = {"inclusionProof": proof, "signedEntryTimestamp": _b64(promise)}
        return {hashlib.sha256(body).hexdigest(): {**entry, "verification": verification}}

    def _authority(
        self,
        name: str,
        key: ec.EllipticCurvePrivateKey,
        issuer: str,
        issuer_key: ec.EllipticCurvePrivateKey,
        below: int,
    ) -> x509.Certificate:
        public, signer = key.public_key(), issuer_key.public_key()
        return (
            x509.CertificateBuilder()
            .subject_name(_name(name))
            .issuer_name(_name(issuer))
            .public_key(public)
            .serial_number(x509.random_serial_number())
            .not_valid_before(self.moment - YEAR)
            .not_valid_after(self.moment + YEAR)
            .add_extension(x509.BasicConstraints(ca=True, path_length=below), critical=True)
            .add_extension(_key_usage(key_cert_sign=True), critical=True)
            .add_extension(x509.SubjectKeyIdentifier.from_public_key(public), critical=False)
            .add_extension(x509.AuthorityKeyIdentifier.from_issuer_public_key(signer), critical=False)
            .sign(issuer_key, hashes.SHA256())
        )


def der_text(text: str) -> bytes:
    """A DER UTF8String."""
    raw = text.encode()
    length = bytes([len(raw)]) if len(raw) < 0x80 else bytes([0x81, len(raw)])
    return b"\x0c" + length + raw


def _said(claims: Mapping[str, Any]) -> dict[int, bytes]:
    """GitHub's claims as certificate extensions."""
    words = {number: str(claims.get(name, "")) for number, name in EXTENSIONS.items()}
    repository = f"https://github.com/{claims['repository']}"
    words |= {1: claims["iss"], 8: claims["iss"], 9: f"https://github.com/{claims['job_workflow_ref']}"}
    words |= {12: repository, 21: f"{repository}/actions/runs/{claims['run_id']}/attempts/{claims['run_attempt']}"}
    return {
        number: word.encode() if number < OLDER else der_text(word) for number, word in sorted(words.items()) if word
    }


def _inclusion(leaves: list[bytes], index: int) -> tuple[bytes, list[bytes]]:
    """The root over the leaves, and the hashes beside the way up from one of them (RFC 6962, section 2.1.1)."""
    tree = GrowingTree()
    for leaf in leaves:
        tree.add(leaf)
    return tree.root(), _path(leaves, index)


def _path(leaves: list[bytes], index: int) -> list[bytes]:
    if len(leaves) == 1:
        return []
    split = 1 << (len(leaves) - 1).bit_length() - 1
    left, right = leaves[:split], leaves[split:]
    if index < split:
        return [*_path(left, index), _root(right)]
    return [*_path(right, index - split), _root(left)]


def _root(leaves: list[bytes]) -> bytes:
    tree = GrowingTree()
    for leaf in leaves:
        tree.add(leaf)
    return tree.root()


def _key() -> ec.EllipticCurvePrivateKey:
    return ec.generate_private_key(ec.SECP256R1())


def _name(text: str) -> x509.Name:
    return x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, text)])


def _spki(key: ec.EllipticCurvePrivateKey) -> bytes:
    return key.public_key().public_bytes(Encoding.DER, PublicFormat.SubjectPublicKeyInfo)


def _log_id(key: ec.EllipticCurvePrivateKey) -> bytes:
    return hashlib.sha256(_spki(key)).digest()


def _log(url: str, key: ec.EllipticCurvePrivateKey, valid_for: Mapping[str, str]) -> dict[str, Any]:
    public = {"rawBytes": _b64(_spki(key)), "keyDetails": "PKIX_ECDSA_P256_SHA_256", "validFor": valid_for}
    return {"baseUrl": url, "hashAlgorithm": "SHA2_256", "publicKey": public, "logId": {"keyId": _b64(_log_id(key))}}


def _key_usage(**uses: bool) -> x509.KeyUsage:
    names = (
        "digital_signature", "content_commitment", "key_encipherment", "data_encipherment", "key_agreement",
        "key_cert_sign", "crl_sign", "encipher_only", "decipher_only",
    )  # fmt: skip
    return x509.KeyUsage(**{name: uses.get(name, False) for name in names})


def _b64(raw: bytes) -> str:
    return base64.b64encode(raw).decode()


def _rfc3339(at: dt.datetime) -> str:
    return at.strftime("%Y-%m-%dT%H:%M:%SZ")
