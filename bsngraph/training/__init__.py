"""Training: recipes, the forward pass, one network's training, and measuring it on a split."""
