"""promptgraph: a GraphQL API over a file-and-DB prompt registry."""

__version__ = "0.1.0"
