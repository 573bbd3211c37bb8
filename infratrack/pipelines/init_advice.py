"""What is left to do by hand after a pipeline was written: keys, secrets, the ledger's address. Pure."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from typing import Final

from msgspec import Struct, structs

SIGNING_KEY: Final = "INFRATRACK_SIGNING_KEY"
LEDGER: Final = "git:infratrack/ledger"
KEY_FILE: Final = "INFRATRACK_HOME/keys/ci.pem"
"""Where the private key lies, as long as nobody says which folder that is."""

_KEPT_ELSEWHERE: Final = re.compile(r'(?m)^\s*"?(?:backend|cloud)"?\s*(?:"[^"\n]*"\s*)?[:{]')


class Secret(Struct, frozen=True):
    """A secret that the pipeline reads: its name there, what it holds, and where it is set."""

    name: str
    what: str
    where: str


class Advice(Struct, frozen=True):
    """What to do next, a step a line, and which secrets to set."""

    secrets: tuple[Secret, ...]
    steps: tuple[str, ...]


_KEY: Final = f"the key that signs: what {KEY_FILE} holds"
_KEY_IN_A_LINE: Final = f"the key that signs, in one line: what `grep -v -- ----- {KEY_FILE}` prints"
_SECRETS: Final[Mapping[str, tuple[Secret, ...]]] = {
    "github": (
        Secret(
            SIGNING_KEY,
            _KEY,
            "Settings → Environments: make `production`, allow it for your branch only, then "
            f"`gh secret set INFRATRACK_SIGNING_KEY --env production < {KEY_FILE}`",
        ),
    ),
    "gitlab": (
        Secret(SIGNING_KEY, _KEY_IN_A_LINE, "Settings → CI/CD → Variables: protected, masked, environment production"),
        Secret(
            "INFRATRACK_PUSH_TOKEN",
            "a project access token with write_repository; not needed where the job token may push",
            "Settings → CI/CD → Variables: protected, masked (or Job token permissions → Allow Git push requests)",
        ),
        Secret(
            "INFRATRACK_GITLAB_TOKEN",
            "a project access token with the scope api, for the merge request's note",
            "Settings → CI/CD → Variables: masked",
        ),
    ),
    "jenkins": (
        Secret("infratrack-signing-key", _KEY_IN_A_LINE, "Credentials → Secret text with this id"),
        Secret("infratrack-push", "a user and a token that may push", "Credentials → Username, password"),
    ),
    "azure": (
        Secret(
            SIGNING_KEY,
            _KEY_IN_A_LINE,
            "Pipelines → Library: make the variable group `infratrack` before the first run, put the key there as a "
            "secret, then Approvals and checks → Branch control: your branch only. Never as a variable of the "
            "pipeline: pull requests would get it",
        ),
        Secret(
            "Contribute",
            "the permission of the build service to push the ledger's branch",
            "Project settings → Repositories → Security → Build Service: Contribute",
        ),
    ),
    "atlantis": (Secret(SIGNING_KEY, _KEY_IN_A_LINE, "the environment of the Atlantis server"),),
}


def keeps_state(texts: Sequence[str]) -> bool:
    """Whether one of a Terraform root's files says where its state is kept: a `backend` or `cloud` block."""
    return any(_KEPT_ELSEWHERE.search(text) for text in texts)


def advice_for(
    system: str, *, ledger: str, trusts_somebody: bool, stateless: Sequence[str] = (), key_file: str = KEY_FILE
) -> Advice:
    """What is left to do for `system`, for a project with this ledger address, and whether it trusts a key already.

    `stateless` are Terraform roots that do not say where their state is kept, `key_file` is where the private key lies
    once it is made, as a shell takes it.
    """
    steps = []
    if stateless:
        steps.append(
            f"Terraform root {', '.join(stateless)}: say where its state is kept (a `backend` or `cloud` block); "
            "state that lies on a CI machine is gone after the job, and the next one builds everything again"
        )
    if not ledger.startswith("git"):
        steps.append(f"infratrack.yaml: `ledger: {LEDGER}`; what lies on a CI machine is gone after the job")
    steps.append("mkdir -p keys && infratrack key new ci && infratrack key export ci > keys/ci.pub")
    steps.append(
        "infratrack.yaml: "
        + (
            "add {name: ci, key: keys/ci.pub} to trust.signers"
            if trusts_somebody
            else "`trust: {signers: [{name: ci, key: keys/ci.pub}]}`"
        )
    )
    if system == "atlantis":
        steps.append("add .atlantis/repos.yaml to the server's configuration (`--repo-config`)")
    steps.append("commit the files to the branch that is delivered")
    return Advice(tuple(_located(secret, key_file) for secret in _SECRETS[system]), tuple(steps))


def _located(secret: Secret, key_file: str) -> Secret:
    what, where = (text.replace(KEY_FILE, key_file) for text in (secret.what, secret.where))
    return structs.replace(secret, what=what, where=where)
