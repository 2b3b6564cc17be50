"""What a delivered network costs, counted on the network itself, and the checks of
it.
"""

from bsngraph.certificate.certificate import Means, covering, make_certificate
from bsngraph.certificate.checks import Check, Verification
from bsngraph.certificate.simulation import simulate
from bsngraph.certificate.verification import verify_certificate

__all__ = [
    "Check",
    "Means",
    "Verification",
    "covering",
    "make_certificate",
    "simulate",
    "verify_certificate",
]
