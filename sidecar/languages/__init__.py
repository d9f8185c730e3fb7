"""Ask living language intelligence: jedi, language servers, and whoever is attached, one after the other."""
