"""A machine made into a device: the server, its jobs and files, and the client's side of the talk."""
