"""What is left to do by hand after a pipeline was written: keys, secrets, the ledger's address. Pure."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

from msgspec import Struct

SIGNING_KEY: Final = "INFRATRACK_SIGNING_KEY"
LEDGER: Final = "git:infratrack/ledger"


class Secret(Struct, frozen=True):
    """A secret that the pipeline reads: its name there, what it holds, and where it is set."""

    name: str
    what: str
    where: str


class Advice(Struct, frozen=True):
    """What to do next, a step a line, and which secrets to set."""

    secrets: tuple[Secret, ...]
    steps: tuple[str, ...]


_KEY: Final = "the key that signs: what INFRATRACK_HOME/keys/ci.pem holds"
_KEY_IN_A_LINE: Final = "the key that signs, in one line: what `grep -v -- ----- INFRATRACK_HOME/keys/ci.pem` prints"
_SECRETS: Final[Mapping[str, tuple[Secret, ...]]] = {
    "github": (
        Secret(
            SIGNING_KEY,
            _KEY,
            "Settings → Environments → production (`gh secret set INFRATRACK_SIGNING_KEY --env production < ci.pem`); "
            "allow the environment for your branch only",
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
        Secret(SIGNING_KEY, _KEY_IN_A_LINE, "Pipelines → Edit → Variables: keep this value secret"),
        Secret(
            "Contribute",
            "the permission of the build service to push the ledger's branch",
            "Project settings → Repositories → Security → Build Service: Contribute",
        ),
    ),
    "atlantis": (Secret(SIGNING_KEY, _KEY_IN_A_LINE, "the environment of the Atlantis server"),),
}


def advice_for(system: str, *, ledger: str, trusts_somebody: bool) -> Advice:
    """What is left to do for `system`, for a project with this ledger address, and whether it trusts a key already."""
    steps = []
    if not ledger.startswith("git"):
        steps.append(f"infratrack.yaml: `ledger: {LEDGER}`; what lies on a CI machine is gone after the job")
    steps.append("infratrack key new ci && infratrack key export ci > keys/ci.pub")
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
    return Advice(_SECRETS[system], tuple(steps))
