"""What commands about many runs print."""
