"""What the files of a run say, a struct each: written from it, and decoded to it."""
