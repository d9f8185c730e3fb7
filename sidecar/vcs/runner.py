"""The one hardened way to start git."""
