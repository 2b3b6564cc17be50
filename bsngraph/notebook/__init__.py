"""Fabrics, architectures, results and fronts → what a notebook shows of them.

Everything that a name says stands there as text. What cannot be drawn is said in the
cell and never raised.
"""
