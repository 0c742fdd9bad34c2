"""One module for each group of verbs; heavy imports happen inside the command that needs them."""
