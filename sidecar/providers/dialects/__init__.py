"""Other tongues than the Messages API: each a pure translation, both ways, tested by golden streams."""
