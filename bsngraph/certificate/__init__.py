"""What a delivered network costs, counted on the network itself, and the checks of
it.
"""

from bsngraph.certificate.certificate import CERTIFICATE, BudgetClaim, Means, make_certificate
from bsngraph.certificate.simulation import simulate
from bsngraph.certificate.verification import Check, Verification, read_certificate, verify_certificate

__all__ = [
    "CERTIFICATE",
    "BudgetClaim",
    "Check",
    "Means",
    "Verification",
    "make_certificate",
    "read_certificate",
    "simulate",
    "verify_certificate",
]
