"""What commands about many runs, or many networks of one, print."""
