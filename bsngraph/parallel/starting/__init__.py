"""How processes of this machine start: afresh, or as copies of one that is ready."""
