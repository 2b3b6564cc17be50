"""Families of fabrics: numbers in, a Fabric out. Never imports torch."""

from bsngraph.fabric.families.cells import cell_fabric
from bsngraph.fabric.families.chain import chain_fabric
from bsngraph.fabric.families.cnf import cnf_fabric
from bsngraph.fabric.families.family_table import FAMILIES, FabricFamily, FamilyArgument
from bsngraph.fabric.families.mlp import mlp_fabric
from bsngraph.fabric.families.photos.mobilenet import mobilenet_fabric
from bsngraph.fabric.families.photos.resnet18 import resnet18_fabric
from bsngraph.fabric.families.photos.unet import unet_fabric
from bsngraph.fabric.families.resnet import plain_resnet_fabric, resnet_fabric
from bsngraph.fabric.families.transformer import transformer_fabric
from bsngraph.fabric.families.written_sketch import write_sketched

__all__ = [
    "FAMILIES",
    "FabricFamily",
    "FamilyArgument",
    "cell_fabric",
    "chain_fabric",
    "cnf_fabric",
    "mlp_fabric",
    "mobilenet_fabric",
    "plain_resnet_fabric",
    "resnet18_fabric",
    "resnet_fabric",
    "transformer_fabric",
    "unet_fabric",
    "write_sketched",
]
