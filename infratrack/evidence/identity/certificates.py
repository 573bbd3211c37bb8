"""What a signing certificate of sigstore says about the job that asked for it, in the words of `Runner`. Pure.

Source: Fulcio's directory of certificate extensions (object identifiers below 1.3.6.1.4.1.57264.1) and its mapping of
GitHub's and GitLab's claims to them. Of other issuers' certificates only the subject is taken, and what set the job
going where they say it.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Final

from infratrack.errors import IntegrityFailure
from infratrack.evidence.identity.runner import Runner
from infratrack.project.identity_schema import CLAIM_AT_MOST, ISSUER_PATTERN

if TYPE_CHECKING:
    from cryptography import x509

_BELOW: Final = "1.3.6.1.4.1.57264.1."
_OTHER_NAME: Final = _BELOW + "7"
_OLD_ISSUER, _ISSUER = 1, 8
_SIGNER, _REPOSITORY, _COMMIT, _REF, _REPOSITORY_ID = 9, 12, 13, 14, 15
_TRIGGER, _RUN, _ENVIRONMENT = 20, 21, 23

_GITHUB_RUN: Final = re.compile(r"https://[^/]+/[^/]+/[^/]+/actions/runs/([0-9]+)/attempts/([0-9]+)")
_GITLAB_RUN: Final = re.compile(r"https://.+/-/jobs/([0-9]+)")
_URI: Final = re.compile(r"https://([^/?#]+)/([^?#]+)")
_UTF8_STRING: Final = 0x0C
_LONG_FORM: Final = 0x80


def runner_in(certificate: x509.Certificate) -> Runner:
    """The job that a certificate was issued to; IntegrityFailure when it does not name one issuer and one subject."""
    said = _extensions(certificate)
    issuer, subject = said.get(_ISSUER) or said.get(_OLD_ISSUER, ""), _subject(certificate)
    if not re.fullmatch(ISSUER_PATTERN, issuer):
        raise IntegrityFailure("the certificate does not say whose identity token it was issued for")
    github, gitlab = _GITHUB_RUN.fullmatch(said.get(_RUN, "")), _GITLAB_RUN.fullmatch(said.get(_RUN, ""))
    repository, signer = _URI.fullmatch(said.get(_REPOSITORY, "")), _URI.fullmatch(said.get(_SIGNER, ""))
    event = said.get(_TRIGGER, "")
    # Without what set the job going, its ref says nothing: a stranger's proposal can run there too.
    if not (github or gitlab) or not repository or not event:
        return Runner(issuer, subject, event=event)
    workflow = (signer[2] if github else f"{signer[1]}/{signer[2]}") if signer else ""
    return Runner(
        issuer=issuer,
        subject=subject,
        repository=repository[2],
        repository_id=said.get(_REPOSITORY_ID, ""),
        ref=said.get(_REF, ""),
        workflow=workflow,
        environment=said.get(_ENVIRONMENT, ""),
        event=event,
        commit=said.get(_COMMIT, ""),
        run=github[1] if github else "",
        attempt=github[2] if github else gitlab[1] if gitlab else "",
    )


def _extensions(certificate: x509.Certificate) -> dict[int, str]:
    """What Fulcio's extensions say, by the last number of their identifier; unreadable ones are left out."""
    from cryptography import x509  # noqa: PLC0415 -- only where there is a certificate

    found: dict[int, str] = {}
    for extension in certificate.extensions:
        number = extension.oid.dotted_string.removeprefix(_BELOW)
        if number.isdecimal() and isinstance(extension.value, x509.UnrecognizedExtension):
            raw = extension.value.value
            text = _text(raw) if int(number) == _OLD_ISSUER else _der_text(raw)
            if text:
                found[int(number)] = text
    return found


def _subject(certificate: x509.Certificate) -> str:
    """The one name that the certificate was issued to."""
    from cryptography import x509  # noqa: PLC0415 -- only where there is a certificate

    try:
        names = list(certificate.extensions.get_extension_for_class(x509.SubjectAlternativeName).value)
    except x509.ExtensionNotFound:
        names = []
    subject = ""
    if len(names) == 1 and isinstance(names[0], x509.RFC822Name | x509.UniformResourceIdentifier):
        subject = _text(names[0].value.encode())
    elif len(names) == 1 and isinstance(names[0], x509.OtherName) and names[0].type_id.dotted_string == _OTHER_NAME:
        subject = _der_text(names[0].value)
    if not subject:
        raise IntegrityFailure("the certificate does not name one subject")
    return subject


def _der_text(raw: bytes) -> str:
    """The text of a DER UTF8String (X.690, 8.1 and 8.23); nothing for anything else."""
    if len(raw) < 2 or raw[0] != _UTF8_STRING:  # noqa: PLR2004 -- tag and length
        return ""
    long = raw[1] - _LONG_FORM if raw[1] > _LONG_FORM else 0
    begin = 2 + long
    length = int.from_bytes(raw[2:begin]) if long else raw[1]
    return _text(raw[begin:]) if len(raw) == begin + length else ""


def _text(raw: bytes) -> str:
    """Text that is fit to be shown; nothing for what is not."""
    text = raw.decode("utf-8", "replace")
    return text if 0 < len(text) <= CLAIM_AT_MOST and text.isprintable() and "\ufffd" not in text else ""
