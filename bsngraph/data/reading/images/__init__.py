"""Image files, their folders and their sizes."""
