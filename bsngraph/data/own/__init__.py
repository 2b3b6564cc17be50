"""What a user has in Python → a `Dataset`: arrays, torch's data sets, those of Hugging
Face, tables.
"""
