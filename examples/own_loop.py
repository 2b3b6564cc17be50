"""Search in a training loop of your own: any DataLoader, loss, optimizer and schedule.

python examples/own_loop.py [EPOCHS]
"""

import sys

import torch
from sklearn.datasets import load_digits
from torch.nn.functional import cross_entropy
from torch.utils.data import DataLoader, TensorDataset, random_split

import bsngraph

epochs = int(sys.argv[1]) if len(sys.argv) > 1 else 30
generator = torch.Generator().manual_seed(0)

bunch = load_digits()
images, labels = torch.tensor(bunch.images).float()[:, None] / 16, torch.tensor(bunch.target)
train, validation, test = random_split(TensorDataset(images, labels), [0.6, 0.2, 0.2], generator=generator)
loader = DataLoader(train, batch_size=64, shuffle=True, drop_last=True, generator=generator)

net = bsngraph.compile_fabric(bsngraph.read_fabric("fabrics/digits.dot", {"channels": 8}), seed=0)
optimizer = torch.optim.AdamW(net.parameters(), lr=3e-3)
schedule = torch.optim.lr_scheduler.OneCycleLR(optimizer, 1e-2, total_steps=epochs * len(loader))
edges = bsngraph.EdgeSearch(net, "macs=25%", steps=epochs * len(loader), seed=0)

for _ in range(epochs):
    for x, y in loader:
        kept = edges.draw(len(x))  # (64, edges): each example runs a sub-network of its own
        losses = cross_entropy(net(x, kept), y, reduction="none")  # (64,)
        optimizer.zero_grad()
        losses.mean().backward()
        optimizer.step()
        schedule.step()
        edges.learn(losses)


def accuracy(network, split, *architecture):
    x, y = split[:]
    network.eval()
    with torch.no_grad():
        return (network(x, *architecture).argmax(1) == y).float().mean().item()


# Every candidate is inside the budget; validation data choose, and test data are
# looked at once.
best = max(edges.candidates(8), key=lambda one: accuracy(net, validation, one.mask))
found = bsngraph.prune_net(net, best)
optimizer = torch.optim.AdamW(found.parameters(), lr=1e-3)
for _ in range(max(epochs // 3, 1)):
    found.train()
    for x, y in loader:
        optimizer.zero_grad()
        cross_entropy(found(x), y).backward()
        optimizer.step()

share = edges.budgets.costs(best.mask[None])[0, 0] / net.profile.macs.sum()
print(f"{100 * share:.1f} % of the MACs, test accuracy {100 * accuracy(found, test):.1f} %")
