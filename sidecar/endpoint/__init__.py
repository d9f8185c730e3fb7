"""The HTTP door: parse, call, stream; errors in the Messages API's own form."""
