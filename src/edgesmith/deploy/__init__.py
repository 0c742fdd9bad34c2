"""Model files and the bundle: export, parity, prediction, sample code. Reading a bundle needs no torch."""
