"""How far the estimate of input tokens is from what the API counted, on requests that others recorded."""
