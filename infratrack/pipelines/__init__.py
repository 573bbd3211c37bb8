"""How do pipelines take part? Ready-made CI files, the job's summary, comments and commit statuses at the forge."""
