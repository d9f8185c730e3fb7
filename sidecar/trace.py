"""Structured log events with the request id they belong to."""
