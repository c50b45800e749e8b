"""The client for agents: prompts by name, rendered here, and calls recorded by the version that was sent."""
