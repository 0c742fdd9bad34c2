"""Spaces of networks: choices with options, points as tuples of integers, and the networks that they stand for."""
