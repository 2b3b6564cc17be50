"""RawGraph → Fabric: every word is given its meaning, and everything that is wrong is
found.
"""
