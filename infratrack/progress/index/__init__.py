"""The facts index: a rebuildable projection of the ledger, in a file of its own."""
