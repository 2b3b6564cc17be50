"""A fabric measured in pieces: what they are, how they run, what is known of them."""
