"""GraphQL: shapes, resolvers, loaders, the two executors, and the pipeline that answers a request."""

import promptgraph.graph.enums  # noqa: F401  # declared before anything names one
