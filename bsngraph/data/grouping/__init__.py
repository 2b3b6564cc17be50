"""Examples that belong together, such as the images of one patient: said by a pattern
or a column, and kept in one split.
"""
