"""The parts of a drawing of a graph: what is drawn, its texts, looks and legend."""
