"""Alembic migrations of the ledger's tables; imported only when a ledger's schema version differs from ours."""
