"""The key that signs here, and what the CI system says of who holds it: recorded before anything that the key signs.

Where a job is offered an identity token and no key is at hand, the run is keyless: a key is made in memory, endorsed by
the token, and gone with the process. Where a key is at hand, the token endorses that one.
"""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

import msgspec

from infratrack.capture.assemble import Execution, end_statement
from infratrack.capture.clock import new_run_id, now
from infratrack.capture.context import Ground, Linking, Say, gather_context
from infratrack.capture.git_state import GitQuestion
from infratrack.capture.oidc import Asking, Offer, offered
from infratrack.errors import InfratrackError
from infratrack.evidence.envelope import seal
from infratrack.evidence.identity.endorsement import EndorsementResult, endorsement_of
from infratrack.evidence.identity.issuer_keys import read_key_set
from infratrack.evidence.identity.sigstore_bundle import AUDIENCE, SigstoreResult
from infratrack.evidence.identity.tokens import (
    audience_for,
    check_times,
    issuer_claimed,
    key_for,
    verified_claims,
)
from infratrack.evidence.key_store import NamedKey, NoSigningKey, new_key_in_memory
from infratrack.evidence.predicates import ENDORSEMENT
from infratrack.evidence.redaction import RULES_VERSION, Scrubber, secrets_in_environment
from infratrack.evidence.spooled_keys import SpooledKeys
from infratrack.evidence.statement import build_statement, read_statement, run_predicate
from infratrack.hookspecs import Collected

if TYPE_CHECKING:
    from infratrack.capture.workspace import Workspace
    from infratrack.evidence.identity.issuer_keys import IssuerKey
    from infratrack.project.model import Project

KEYLESS: Final = "keyless"
"""What a key is called that lives in memory only."""


def endorsed_key(workspace: Workspace, say: Say) -> NamedKey | None:
    """The key that signs, after its endorsement was put into the spool; None where there is none to be had.

    What goes wrong with the identity is said and costs nothing else: a key that is at hand signs all the same. Raises
    InputError when it cannot be told which key is to sign.
    """
    try:
        key: NamedKey | None = workspace.signing_key
    except NoSigningKey:
        key = None
    try:
        offer = offered(workspace.environ)
        if offer is None:
            return key
        made = key or new_key_in_memory(KEYLESS)
        result = endorsement(offer, made.key.keyid, _project(workspace))
        _leave(workspace, made, result, say)
    except InfratrackError as error:
        # The token's own words are nowhere in a message; the hint is what helps.
        say(f"this job's identity is not recorded: {error.message}" + (f" ({error.hint})" if error.hint else ""))
        return key
    return made


def endorsement(offer: Offer, keyid: str, project: Project | None) -> EndorsementResult | SigstoreResult:
    """Get a token for the key and verify it, with the issuer's keys as pinned, else as fetched now.

    Where that is wanted, the token goes to sigstore instead, which endorses the key. Raises InputError,
    IntegrityFailure for a token that endorses nothing, Unreachable when nobody answers.
    """
    asking = Asking()
    try:
        if offer.sigstore:
            from infratrack.capture.sigstore_signing import endorsed_by_sigstore  # noqa: PLC0415 -- an extra

            return endorsed_by_sigstore(asking.token(offer, AUDIENCE), keyid, offer.sigstore_config)
        token = asking.token(offer, audience_for(keyid))
        issuer = issuer_claimed(token)
        issuer_key = key_for(token, _pinned(project, issuer)) or key_for(token, asking.issuer_keys(issuer))
    finally:
        asking.close()
    if issuer_key is None:
        raise InfratrackError(f"the identity token is signed with a key that {issuer} does not publish")
    check_times(verified_claims(token, issuer_key, issuer=issuer, audience=audience_for(keyid)), now())
    return endorsement_of(keyid, token, issuer_key)


def _pinned(project: Project | None, issuer: str) -> tuple[IssuerKey, ...]:
    """The issuer's keys that the project file pins: with them nobody needs to be asked."""
    if project is None:
        return ()
    names = {one.issuer_keys for one in project.identities if one.issuer == issuer and one.issuer_keys}
    return tuple(key for name in sorted(names) for key in read_key_set(project.key_files[name]))


def _project(workspace: Workspace) -> Project | None:
    """The project, if its file is sound: runs are recorded even where it is not."""
    try:
        return workspace.project
    except InfratrackError:
        return None


def _leave(workspace: Workspace, key: NamedKey, result: EndorsementResult | SigstoreResult, say: Say) -> None:
    """Sign the endorsement and put it into the spool, with the key's public half, for whoever delivers it."""
    environ, cwd, project = workspace.environ, Path.cwd(), _project(workspace)
    ground = Ground(cwd, workspace.folder, workspace.project_id, project, environ)
    question = GitQuestion(cwd, environ)
    context = gather_context(ground, Linking(), run_id=new_run_id(), spool=workspace.spool, question=question, say=say)
    moment = now()
    execution = Execution(tool="infratrack", outcome="succeeded", started_at=moment, finished_at=moment)
    scrubber = Scrubber(secrets_in_environment(environ), frozenset({workspace.project_id}))
    bare = end_statement(context, execution, Collected(ENDORSEMENT, {}), scrubber, RULES_VERSION, definition=None)
    statement = read_statement(bare.payload)
    # The result goes round the scrubber: a token is what it masks. This one is good for endorsing this key only; what
    # sigstore hands out holds none.
    plain: dict[str, Any] = msgspec.to_builtins(result)
    payload = build_statement(
        subjects=statement.subject, predicate_type=ENDORSEMENT, predicate=run_predicate(statement.common, plain)
    )
    SpooledKeys(workspace.spool.folder).keep([key.key.public_key])
    workspace.spool.put(seal(payload, key.key), {})
