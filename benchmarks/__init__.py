"""Measurements of bsngraph: `python -m benchmarks --help` lists them.

    speed/       milliseconds and bytes: training steps, execution, start-up, input
    accuracy/    what searches find, and how far that is from what there is
    costs/       what evaluating a cost takes, latency models, the promise of budgets
    shared/      clocks, kept rows, tables and the marks of the page of results
    results/     every kept row: JSON lines, one object a row, one file a table
    RESULTS.md   what was found

Each benchmark is a module with a click command named `command` and a mapping `TABLES`
of the tables that it makes. `catalogue.py` names them all.
"""
