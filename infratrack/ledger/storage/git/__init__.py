"""The ledger on a branch of a Git remote, through a bare repository of its own."""
