"""What searches find, and how far that is from what there is."""
