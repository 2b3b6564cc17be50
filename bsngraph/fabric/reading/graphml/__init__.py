"""The steps of reading GraphML: XML elements, other programs' words, values, names."""
