"""Ask living language intelligence (the editor, jedi, language servers) where things are."""
