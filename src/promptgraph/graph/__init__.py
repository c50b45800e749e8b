"""GraphQL: shapes, resolvers, loaders, and the pipeline that answers a request."""
