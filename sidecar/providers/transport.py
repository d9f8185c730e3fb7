"""HTTP to a provider: one session, time-outs, retries before the first byte, the error table."""
