"""A page in a browser as a device: phone or computer, by way of the hub that `edgesmith web` is."""
