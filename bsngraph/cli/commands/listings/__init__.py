"""Commands that list what there is: operations, costs, data sets."""
