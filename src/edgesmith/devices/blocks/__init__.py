"""The table of a device: what each block takes there, measured inside small nets, and what whole nets take by that."""
