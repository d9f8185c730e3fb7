"""`sidecar doctor`: everything a user can get wrong, each with the command that mends it."""
