"""How a run was made, and how it is made again."""
