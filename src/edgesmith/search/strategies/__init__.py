"""Search strategies: asked for points, told what they were worth; they know a space's choices and nothing else."""
