"""From files to database: a pure plan, then one transaction."""
