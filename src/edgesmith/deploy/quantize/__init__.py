"""int8 files by each runtime's own tool, under one plan of what stays in float."""
