"""A run's network written for where bsngraph is not, and the proof that it is the same.

The room is called `exporting`, as `bsngraph.export` is the public function.
"""
