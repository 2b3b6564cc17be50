// The interactive architecture picture.
