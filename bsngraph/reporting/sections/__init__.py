"""Each section of the page: a run's facts → the frozen noun that its template shows."""
