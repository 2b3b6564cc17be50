"""Γ: the probabilities with which searchable edges are kept, and how they learn."""
