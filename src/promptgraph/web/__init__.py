"""HTTP: routes, the GraphQL door, GraphiQL."""
