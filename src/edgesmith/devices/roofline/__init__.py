"""What a core can do at most, and what networks make of it."""
