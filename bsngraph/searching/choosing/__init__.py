"""Choosing the architecture: propose, rank, measure whole, finalists, choose."""
