"""Networks as torch modules; `build` is the one place where a spec becomes layers."""
