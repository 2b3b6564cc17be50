"""What stands for a delivered network: its certificate, counted on the network itself, and the checks of it."""

from bsngraph.export.certificate import CERTIFICATE, BudgetClaim, Means, make_certificate
from bsngraph.export.network import load_network
from bsngraph.export.simulation import simulate
from bsngraph.export.verification import Check, Verification, read_certificate, verify_certificate

__all__ = [
    "CERTIFICATE",
    "BudgetClaim",
    "Check",
    "Means",
    "Verification",
    "load_network",
    "make_certificate",
    "read_certificate",
    "simulate",
    "verify_certificate",
]
