"""Networks as plain data: kinds, specs, edits, the zoo, counting. Needs neither torch nor numpy."""
