"""What an operation does to a shape and what it costs, counted on the meta device."""
