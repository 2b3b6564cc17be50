"""What is cheapest, and what is inside budgets: an integer program, and walking where
it cannot see.
"""
