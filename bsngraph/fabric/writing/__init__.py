"""Fabric → files and graphs of other packages."""
