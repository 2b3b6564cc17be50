"""Builders of operations: arguments and an example's shape in, an nn.Module out.

A builder imports torch when it is called.
"""
