"""Costs and budgets: how long they take, how well they predict, what they promise."""
