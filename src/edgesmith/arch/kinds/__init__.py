"""Block kinds: each is one declaration, a frozen dataclass whose ``trace`` is a short program over operations."""
