"""NetBox: criteria over its records, observations, reconciliation, and changes that nobody recorded."""
