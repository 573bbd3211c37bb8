"""How it is told: view-models, then one renderer a format."""
