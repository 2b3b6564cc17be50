"""The words of fabric files: ours and Graphviz's, and which texts every format can
write.
"""
