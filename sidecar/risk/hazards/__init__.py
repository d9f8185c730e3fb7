"""Rules that find what a score cannot tell: keys, conflict markers, forced pushes and more, a file a rule."""
