"""Builders of operations: arguments and the shape of an example in, an nn.Module out.
Torch is imported when one is called.
"""
