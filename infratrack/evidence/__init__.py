"""What happened: statements, redaction, envelopes, signing keys and the spool."""
