"""The steps of reading DOT: syntax tree, scopes of defaults, statements."""
