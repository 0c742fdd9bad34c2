"""What stands behind a space's backbones: the heads of each task, with choices of their own."""
