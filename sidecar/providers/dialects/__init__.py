"""Pure translations between the Messages API and other wire languages."""
