"""The verb ``netadapt``: a trained network narrowed step by step until it meets a latency budget."""
