"""Many searches of one fabric: every combination of what varies is a run folder.

In: a fabric, data, and several values of budgets, seeds, parameters or settings. Out: a
folder of runs with `sweep.json` (what was asked), `sweep.csv` (a row a run),
`front.csv` and its pictures. `sweep.py` is the table of contents; what `outcomes/`
reads of a sweep needs no torch.
"""
