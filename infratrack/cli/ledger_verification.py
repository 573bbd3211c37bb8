"""`infratrack ledger verify`: gathers the trust root, verifies a ledger or a bundle, tells what was verified."""

from __future__ import annotations

import json
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

import click

from infratrack.cli.messages import say
from infratrack.errors import InputError, IntegrityFailure
from infratrack.evidence.identity.sigstore_library import INSTALL
from infratrack.evidence.keys import PublicKey
from infratrack.evidence.trust import Trust, TrustedSigner
from infratrack.ledger.bundle import verify_bundle
from infratrack.ledger.check import LedgerDamage
from infratrack.ledger.open import NoLedgerYet
from infratrack.ledger.verify import Progress, Verified, verify_ledger
from infratrack.values import printable

if TYPE_CHECKING:
    from infratrack.capture.workspace import Workspace
    from infratrack.progress.index.verify import IndexComparison

_MAXIMUM_KEY_BYTES: Final = 65_536
_WATCHED_FROM: Final = 5_000
"""Entries from which on a person wants to see that it goes on."""


def verify_and_tell(workspace: Workspace, bundle: Path | None, files: tuple[Path, ...], output_format: str) -> None:
    """Verify and print; raises what the verification raises, after every finding is printed."""
    trust = trust_of_files(files) if files else _trust_of_project(workspace, bundle)
    compared: IndexComparison | None = None
    try:
        with _watched() as progress:
            if bundle is not None:
                verified = verify_bundle(bundle, trust, progress)
            else:
                verified, compared = _verify_ledger(workspace, trust, progress, own_trust=not files)
    except LedgerDamage as damage:
        _tell_damage(damage, output_format)
        what = "the bundle" if bundle else "the ledger"
        raise IntegrityFailure(
            f"{what} is whole, but its newest checkpoint is signed by nobody who is trusted here"
            if damage.remedy
            else f"{what} is damaged: {_counted(damage.total, 'finding')}",
            damage.hint,
        ) from damage
    name = trust.name_of(verified.signer) or verified.signer_name
    if output_format == "json":
        # Where the trust root came from; nowhere when it was given by hand.
        policy = None if files else {"ref": workspace.policy.ref, "commit": workspace.policy.commit}
        document = {**_document(verified, name, compared), "policy": policy}
        click.echo(json.dumps(document, indent=2, ensure_ascii=False))
    else:
        click.echo(_sentences(verified, name, compared))


def _trust_of_project(workspace: Workspace, bundle: Path | None) -> Trust:
    """The project's trust root. A bundle may be looked at where there is no project: then nothing can be verified."""
    if bundle is not None:
        try:
            _ = workspace.project_file
        except InputError as error:
            raise IntegrityFailure(
                f"no trust root: {error.message}, so nothing was verified",
                "name a key that you trust with --trust KEY.pem, or run this inside the project",
            ) from error
    trust = workspace.trust
    if workspace.policy.note:
        say(workspace.policy.note)
    return trust


def trust_of_files(files: tuple[Path, ...]) -> Trust:
    """The trust root that `--trust` names; InputError for a file that holds no public key."""
    signers: dict[str, TrustedSigner] = {}
    for path in files:
        try:
            with path.open("rb") as file:
                key = PublicKey.from_pem(file.read(_MAXIMUM_KEY_BYTES))
        except OSError as error:
            raise InputError(
                f"{path} could not be read: {error.strerror or error}", "name a public key file"
            ) from error
        except InputError as error:
            raise InputError(f"{path}: {error.message}", error.hint) from error
        signers[key.keyid] = TrustedSigner(path.stem, key)
    return Trust(signers, {}, {keyid: one.public_key for keyid, one in signers.items() if one.public_key})


def _verify_ledger(
    workspace: Workspace, trust: Trust, progress: Progress, *, own_trust: bool
) -> tuple[Verified, IndexComparison | None]:
    try:
        ledger = workspace.ledger(create=False)
    except NoLedgerYet as error:
        raise IntegrityFailure(f"{error.message}, so nothing was verified", error.hint) from error
    try:
        seen = workspace.spool.read_seen()
        verified = verify_ledger(ledger, trust, progress, seen=[seen] if seen else [])
        # The index is made under the project's trust; under another it would rightly differ.
        compared = _compare_index(workspace) if own_trust else None
    finally:
        ledger.close()
    return verified, compared


def _compare_index(workspace: Workspace) -> IndexComparison | None:
    """Rebuild the facts index and compare; its differences are damage too."""
    from infratrack.progress.index.verify import compare_index  # noqa: PLC0415 -- only for one's own ledger

    if workspace.index_path is None:
        return None
    ledger = workspace.ledger(create=False)
    try:
        compared = compare_index(workspace.index_path, ledger, workspace.trust, workspace.plugins.evidence_types)
    finally:
        ledger.close()
    if compared and compared.differences:
        raise LedgerDamage([f"facts index: {one}" for one in compared.differences], len(compared.differences))
    return compared


def _tell_damage(damage: LedgerDamage, output_format: str) -> None:
    if output_format == "json":
        click.echo(json.dumps({"sound": False, "findings": damage.findings}, indent=2, ensure_ascii=False))
        return
    for finding in damage.findings:
        say(finding)
    if damage.total > len(damage.findings):
        say(f"… and {damage.total - len(damage.findings)} more")


def _document(verified: Verified, signer: str, compared: IndexComparison | None) -> dict[str, Any]:
    return {
        "sound": True,
        "origin": verified.origin,
        "size": verified.size,
        "root": verified.root.hex(),
        "signer": {"name": signer, "keyid": verified.signer},
        "verified": {
            "envelopes": verified.entries,
            "trusted": verified.trusted,
            "leaves": verified.entries,
            "hashes": verified.hashes,
            "checkpoints": 1,
            "keys": verified.keys,
            "blobs": verified.blobs,
            "removedBlobs": verified.removed_blobs,
            "indexedEvidence": compared.evidence if compared else None,
        },
    }


def _sentences(verified: Verified, signer: str, compared: IndexComparison | None) -> str:
    removed = f", {verified.removed_blobs} more removed with a tombstone" if verified.removed_blobs else ""
    lines = [
        f"{verified.origin}: sound",
        (
            f"  {_counted(verified.entries, 'envelope')}, each with its leaf and signature; "
            f"{verified.trusted} by keys that are trusted here"
        ),
        (
            f"  {_counted(verified.hashes, 'tree hash', 'tree hashes')}, {_counted(verified.keys, 'key')}, "
            f"{_counted(verified.blobs, 'blob')}{removed}"
        ),
        f"  checkpoint of size {verified.size}, root {verified.root.hex()}, signed by {signer}",
    ]
    if verified.unread:
        what = _counted(verified.unread, "envelope")
        lines.append(f"  {what} of jobs that sigstore vouches for, not verified as theirs and not counted: {INSTALL}")
    if compared:
        lines.append(f"  facts index of {_counted(compared.evidence, 'envelope')}, as rebuilt")
    return "\n".join(printable(line) for line in lines)


def _counted(number: int, one: str, many: str = "") -> str:
    return f"{number} {one if number == 1 else many or one + 's'}"


@contextmanager
def _watched() -> Iterator[Callable[[int, int], None]]:
    """A progress bar for a person who waits at a terminal."""
    if not sys.stderr.isatty():
        yield lambda _done, _total: None
        return
    from rich.console import Console  # noqa: PLC0415 -- heavy, only at a terminal
    from rich.progress import Progress as Bar  # noqa: PLC0415 -- likewise

    with Bar(console=Console(stderr=True), transient=True) as bar:
        task = bar.add_task("verifying", total=None, visible=False)
        yield lambda done, total: bar.update(task, completed=done, total=total, visible=total >= _WATCHED_FROM)
