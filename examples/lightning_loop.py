"""The same search in Lightning: a LightningModule around the super-network.

pip install lightning
python examples/lightning_loop.py [EPOCHS]
"""

import sys
import tempfile

import lightning
import torch
from sklearn.datasets import load_digits
from torch.nn.functional import cross_entropy
from torch.utils.data import DataLoader, TensorDataset, random_split

import bsngraph


class SearchModule(lightning.LightningModule):
    def __init__(self, fabric, budgets, steps):
        super().__init__()
        self.net = bsngraph.compile_fabric(fabric, seed=0)
        self.edges = bsngraph.EdgeSearch(self.net, budgets, steps=steps, seed=0)

    def training_step(self, batch, number):
        x, y = batch
        losses = cross_entropy(self.net(x, self.edges.draw(len(x))), y, reduction="none")  # (batch,)
        self.edges.learn(losses)
        return losses.mean()

    def configure_optimizers(self):
        optimizer = torch.optim.AdamW(self.net.parameters(), lr=3e-3)
        return [optimizer], [torch.optim.lr_scheduler.CosineAnnealingLR(optimizer, self.trainer.max_epochs)]

    def on_save_checkpoint(self, checkpoint):
        checkpoint["edges"] = self.edges.state_dict()

    def on_load_checkpoint(self, checkpoint):
        self.edges.load_state_dict(checkpoint["edges"])


epochs = int(sys.argv[1]) if len(sys.argv) > 1 else 30
bunch = load_digits()
images, labels = torch.tensor(bunch.images).float()[:, None] / 16, torch.tensor(bunch.target)
generator = torch.Generator().manual_seed(0)
train, validation = random_split(TensorDataset(images, labels), [0.8, 0.2], generator=generator)
loader = DataLoader(train, batch_size=64, shuffle=True, drop_last=True, generator=generator)

fabric = bsngraph.read_fabric("fabrics/digits.dot", {"channels": 8})
module = SearchModule(fabric, "macs=25%", steps=epochs * len(loader))
trainer = lightning.Trainer(
    max_epochs=epochs, accelerator="cpu", logger=False, default_root_dir=tempfile.mkdtemp()
)
trainer.fit(module, loader)


def right(architecture):
    x, y = validation[:]
    with torch.no_grad():
        return (module.net.eval()(x, architecture.mask).argmax(1) == y).float().mean().item()


# Each candidate is inside the budget. Train the one that is pruned to further, as
# own_loop.py does.
best = max(module.edges.candidates(8), key=right)
found = bsngraph.prune_net(module.net, best)
print(
    f"{len(found.fabric.edges)} edges, validation accuracy {100 * right(best):.1f} % before training further"
)
