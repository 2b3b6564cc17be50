"""A search asked again: what it left in its folder, and a choice from that."""
