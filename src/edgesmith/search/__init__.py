"""Which network: candidates, what they would cost, and races between them."""
