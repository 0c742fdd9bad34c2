"""Pages over run folders and bundles, in a browser of this machine or, with a token, of another."""
