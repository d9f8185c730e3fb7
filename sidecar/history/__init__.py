"""What the history of a repository tells of a change: who wrote what, what was repaired, how earlier changes fared."""
