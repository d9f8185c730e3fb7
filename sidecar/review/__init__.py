"""From a change to threads that stay where they belong, and to summaries of it."""
