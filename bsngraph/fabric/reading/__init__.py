"""Files and networkx graphs → RawGraph: a graph as it was written, before its words
mean anything.
"""
