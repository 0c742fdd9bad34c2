"""Where model files are timed and run: devices, sessions, statistics."""
