"""Pictures and labels: from a folder or an archive to batches.

Only `augment` and `loader` need torch; everything else works in the base install.
"""
