"""Exported folders measured and asked as runs are."""
