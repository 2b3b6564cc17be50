"""What is chosen is inside every budget; what cannot be met is said so."""
