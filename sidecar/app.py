"""Build, start and stop the parts: the only place that knows everybody."""
