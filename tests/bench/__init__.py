"""Measurements: never timed asserts, always ratios against a plain pass-through in the same run."""
