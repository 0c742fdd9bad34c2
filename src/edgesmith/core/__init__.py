"""What every other package may use: errors, names, configs, files, seeds, progress. Knows no networks."""
