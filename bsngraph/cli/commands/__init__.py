"""The commands, in rooms by what they work on. Each is a module with a `command` and a
line in COMMANDS (main.py).
"""
