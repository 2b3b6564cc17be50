"""Commands that work on fabrics: graph files."""
