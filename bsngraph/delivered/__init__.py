"""A delivered network put to use: loaded, measured, asked, and where its budgets
went.
"""

from bsngraph.delivered.evaluate import Evaluation, evaluate_run
from bsngraph.delivered.load import Delivered, load_delivered, load_net
from bsngraph.delivered.model_facts import ModelFacts, read_facts
from bsngraph.delivered.network_files import load_network
from bsngraph.delivered.predicting.batches import Prediction
from bsngraph.delivered.predicting.predict import predict
from bsngraph.delivered.predictor import RunPredictor, load_predictor
from bsngraph.delivered.spent import spending_of_run

__all__ = [
    "Delivered",
    "Evaluation",
    "ModelFacts",
    "Prediction",
    "RunPredictor",
    "evaluate_run",
    "load_delivered",
    "load_net",
    "load_network",
    "load_predictor",
    "predict",
    "read_facts",
    "spending_of_run",
]
