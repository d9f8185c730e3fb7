"""`python -m sidecar`."""
