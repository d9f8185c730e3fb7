"""Git as typed answers, through one hardened runner."""
