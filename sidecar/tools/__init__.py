"""The verbs offered to the model: typed input, one call, typed result."""
