"""Redaction: before signing and before anything touches a disk."""
