"""Run the project's tests and read their reports and coverage."""
