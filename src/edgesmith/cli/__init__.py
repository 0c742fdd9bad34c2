"""The command line: parses, calls, shows. What is computed is computed elsewhere."""
