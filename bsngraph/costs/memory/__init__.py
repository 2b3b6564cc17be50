"""Peak memory: following what is alive while the network of a sample runs."""
