"""A change as a model reads it: what it is shown, what it is asked, and what is kept of its answer."""
