"""What a network is trained for: loss, decode and metric as one object, so that one loop serves every task."""
