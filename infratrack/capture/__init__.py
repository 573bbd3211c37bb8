"""How it gets in: run, deliver, record, observe, and delivery of the spool."""
