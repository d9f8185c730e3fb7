"""Sidecar: Claude Code's backend, symbol intelligence and risk review beside the editor."""

__version__ = "0.1.0"
