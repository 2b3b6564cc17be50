"""Python as text: names, expressions, statements."""
