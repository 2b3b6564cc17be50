"""Finalists: architectures trained briefly from scratch, chosen one after another."""
