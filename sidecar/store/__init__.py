"""What outlives the process: one SQLite file per workspace, its migrations and typed reads and writes."""
