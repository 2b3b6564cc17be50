def report(rows, root):
    pass
