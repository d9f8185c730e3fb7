"""The command line: arguments to settings, then the application."""
