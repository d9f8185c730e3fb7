"""What Claude Code may do with its own tools, when its hooks ask: git by the rules, edits by their risk."""

from typing import Final

SECONDS: Final = 600
"""How long a guarded command waits at most: its tests may run first."""
EDIT_SECONDS: Final = 10
"""How long an edit waits at most, whatever becomes of us."""
BLOCK: Final = 2
"""The exit status by which a hook blocks the tool; standard error becomes the reason."""
