"""Published networks as specs: one file a family, one table of names."""
