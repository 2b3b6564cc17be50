"""The modules that builders make."""
