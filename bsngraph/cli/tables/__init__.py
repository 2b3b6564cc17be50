"""What commands print as tables: fabrics, results, costs, operations, certificates."""
