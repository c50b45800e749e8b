"""The commands: what they are called, take and print. Each calls one function of the room above."""
