"""A run → tools that track experiments: TensorBoard and MLflow. No torch.

In: a run folder, finished or under way. Out: what the tool reads, and what is added to
it while the run goes on.
"""
