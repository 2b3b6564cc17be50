"""Classes of torch.nn as operations."""
