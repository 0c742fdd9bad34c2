"""Heads: what reads the backbone's taps and answers the task; declared like block kinds."""
