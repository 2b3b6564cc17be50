"""From learned weights and Γ to the files of a run."""
