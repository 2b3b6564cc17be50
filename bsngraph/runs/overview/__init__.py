"""Many runs at a glance: finding run folders, and what each says. No torch."""
