"""The command line. `main` is the one error boundary; every command lives in a file of its own group."""

from infratrack.cli.boundary import main

__all__ = ["main"]
