"""What became of a sweep's runs: states, tables, fronts and pictures. No torch."""
