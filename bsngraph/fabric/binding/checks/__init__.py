"""What must hold of a whole graph once its words have their meaning."""
