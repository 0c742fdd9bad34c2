"""``python -m edgesmith``."""

from edgesmith.cli.main import main

main()
