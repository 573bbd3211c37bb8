"""Redaction: before anything is signed and before anything touches a disk."""

from infratrack.evidence.redaction.argv import secrets_in_argv
from infratrack.evidence.redaction.environment import secrets_in_environment
from infratrack.evidence.redaction.scrubber import MASK, RULES_VERSION, Scrubber
from infratrack.evidence.redaction.urls import strip_credentials

__all__ = [
    "MASK",
    "RULES_VERSION",
    "Scrubber",
    "secrets_in_argv",
    "secrets_in_environment",
    "strip_credentials",
]
