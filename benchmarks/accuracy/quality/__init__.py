"""What different methods choose under the same budget, each network then trained from
scratch by the same recipe.

    python -m benchmarks.quality run [--problem P] [--method M] [--seed S]
                                     [--part I/N] [--limit N]
    python -m benchmarks.quality report

`problems` says what is compared on what, `networks` are the fabrics that rows name,
`scores`, `mixture` and `methods` choose, `rows` keeps one line of quality.csv for each
network trained, `runner` fills it, `report` makes tables and pictures of it.
"""
