"""The steps of reading node-link JSON: text, then values of the types that we take."""
