"""Importers of trained networks, one file an origin; each gives an `Imported`."""
