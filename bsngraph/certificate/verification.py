"""Checking a certificate against the network it was made for: everything it says is
counted again.

In: a run folder with certificate.json. Out: a `Verification`, one `Check` for each
statement. What can only be told here and now, like a latency on another machine, is
stated and neither passes nor fails.
"""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

from bsngraph.certificate.certificate import Means, seal, versions, with_promised
from bsngraph.certificate.checks import Check, Verification, agreement, attempted
from bsngraph.certificate.cost_checks import budget_checks, cost_checks, counted_again, result_checks
from bsngraph.certificate.file_checks import fact_checks, hash_checks, spread_checks
from bsngraph.certificate.front_checks import front_checks
from bsngraph.delivered import load_network
from bsngraph.delivered.network_files import weights_hash
from bsngraph.runs import RunFolder


def verify_certificate(folder: Path, means: Means | None = None) -> Verification:
    """Count everything that a certificate says again, on the network that is in the
    folder now, and compare every file with its hash.

    A latency is measured under the certificate's own device, threads and batch,
    whatever those of `means`; one of a device that is not here is added up again from
    the run's latencies.json.

    Raises:
        InputError: there is no certificate.
    """
    run, given = RunFolder(folder), means or Means()
    certificate = run.read_certificate()
    checks = [agreement("seal", certificate.seal, seal(certificate))]
    checks += hash_checks(folder, certificate)
    checks += fact_checks(run, certificate)
    net = attempted("network", "loads", lambda: load_network(folder))
    if isinstance(net, Check):
        return Verification((*checks, net))
    checks.append(agreement("weights", certificate.weights, weights_hash(net)))
    known = attempted("latencies.json", "can be read", lambda: with_promised(given, run))
    checks += [known] if isinstance(known, Check) else spread_checks(run, known)
    known = given if isinstance(known, Check) else known
    costs = counted_again(net, certificate, known)
    checks += cost_checks(net, certificate, costs, known)
    if run.finished:
        result = attempted("result.json", "can be read", run.read_result)
        checks += [] if isinstance(result, Check) else result_checks(result, costs)
    checks += budget_checks(certificate, costs)
    checks += front_checks(run, certificate, known)
    stated, here = certificate.versions, versions()
    checks.append(Check("versions", _words(stated), _words(here), True if stated == here else None))
    return Verification(tuple(checks))


def _words(values: Mapping[str, str]) -> str:
    return ", ".join(f"{name} {value}" for name, value in values.items())
