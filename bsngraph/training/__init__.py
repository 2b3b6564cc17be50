"""Training: the forward pass, one network's training, and measuring it on a
split.
"""

from bsngraph.training.batch_norm import recompute_batch_norm
from bsngraph.training.evaluation import RouteCache, Score, evaluate_net
from bsngraph.training.forward import device_of, run_net, training_outputs
from bsngraph.training.layout import laid_out, lay_out
from bsngraph.training.net_training import NetTraining, TrainingState
from bsngraph.training.progress import Progress, Silent
from bsngraph.training.randomness import derived_seed, generator_for, global_generator
from bsngraph.training.steps import (
    apply_gradients,
    check_finite,
    make_optimizer,
    prefixed,
    set_rate,
    step_weights,
)

__all__ = [
    "NetTraining",
    "Progress",
    "RouteCache",
    "Score",
    "Silent",
    "TrainingState",
    "apply_gradients",
    "check_finite",
    "derived_seed",
    "device_of",
    "evaluate_net",
    "generator_for",
    "global_generator",
    "laid_out",
    "lay_out",
    "make_optimizer",
    "prefixed",
    "recompute_batch_norm",
    "run_net",
    "set_rate",
    "step_weights",
    "training_outputs",
]
