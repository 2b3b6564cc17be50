"""Code of the user's own, named on the command line, run once."""
