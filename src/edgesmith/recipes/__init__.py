"""Whole runs, from what the user has to what the user wants."""
