"""The prompt tree on disk: YAML in, records out, every problem with its file and line."""
