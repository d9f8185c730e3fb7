"""Numbers of what was answered, for machines that watch: Prometheus asks for them, an OpenTelemetry collector is sent them."""
