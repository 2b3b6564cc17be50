"""Learning weights θ and edge probabilities Γ together."""
