"""A fabric's edges and some networks as a folder that another device measures."""
