"""The fast executor: an operation becomes a program once, and is then answered level by level."""
