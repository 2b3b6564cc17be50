"""The limits in force, λ, and the penalty that samples over a limit pay."""
