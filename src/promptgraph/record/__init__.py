"""Calls on their way in: priced, written in groups, answered after the commit."""
