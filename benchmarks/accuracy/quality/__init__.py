"""What different methods choose under the same budget, each network then trained from
scratch by the same recipe.

`problems` says what is compared on what, `networks` are the fabrics that rows name,
`scores`, `mixture` and `methods` choose, `quality_rows` keeps a row for each network
trained, `runner` makes what is missing, `report` makes tables and pictures of it.
"""
