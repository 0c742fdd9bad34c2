"""One training loop and one evaluation for every task, with checkpoints that resume to the bit."""
