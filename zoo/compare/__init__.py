"""Runs beside each other: what differs in their recipes, what they scored, and whether that is more than chance."""
