"""One file a command: parse, call, print. Each is imported only when it is called."""
