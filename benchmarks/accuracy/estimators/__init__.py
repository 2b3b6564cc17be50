"""Gradient estimators of Γ against the exact gradient of small, enumerated worlds."""
