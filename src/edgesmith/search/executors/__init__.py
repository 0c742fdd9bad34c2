"""Where evaluations run: here, in local processes, on a Ray cluster."""
