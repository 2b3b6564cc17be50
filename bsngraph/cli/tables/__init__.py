"""What commands print as tables: operations, costs, a certificate's checks."""
