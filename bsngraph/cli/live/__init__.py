"""A run on its way, as it is shown while it goes on."""
