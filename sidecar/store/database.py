"""Open the workspace database; one writer."""
