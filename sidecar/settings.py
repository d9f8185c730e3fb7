"""Every setting, its default, its check and its origin."""
