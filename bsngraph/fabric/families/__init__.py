"""Families of fabrics: numbers in, a Fabric out. Never imports torch."""

from bsngraph.fabric.families.cells import cell_fabric
from bsngraph.fabric.families.chain import chain_fabric
from bsngraph.fabric.families.cnf import cnf_fabric
from bsngraph.fabric.families.resnet import plain_resnet_fabric, resnet_fabric
from bsngraph.fabric.families.transformer import transformer_fabric

__all__ = [
    "cell_fabric",
    "chain_fabric",
    "cnf_fabric",
    "plain_resnet_fabric",
    "resnet_fabric",
    "transformer_fabric",
]
