"""Weights that come from elsewhere, fitted to a net by name, or by position and shape."""
