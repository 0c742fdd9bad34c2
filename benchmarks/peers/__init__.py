"""What an engineer would run today in edgesmith's place: other people's networks, under their own training loops."""
