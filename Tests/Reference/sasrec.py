"""The network of SASRec from PyTorch's own layers, in double: what each place's state is, the loss and its gradients.

Writes Tests/RecommendTests/Fixtures/sasrec.json:
- factors, heads, blocks, length, sequences: the sizes, and sequences of items, of which all but the last are read;
- parameters, gradients: by the names of SASRecNetwork, flat;
- states: after each item that is read, sequence by sequence; loss: the mean cross-entropy of the next item among all.
"""
import json
import pathlib

import torch
from torch import nn

torch.manual_seed(5)
torch.set_default_dtype(torch.float64)
D, HEADS, BLOCKS, LENGTH, ITEMS = 6, 2, 2, 5, 9
sequences = [[0, 3, 2, 7, 8, 1], [4, 4, 5], [6, 1]]

items = nn.Embedding(ITEMS, D)
positions = nn.Embedding(LENGTH, D)
names = {"item-rows": items.weight, "positions": positions.weight}
blocks = []
for n in range(BLOCKS):
    norm1, attention, norm2 = nn.LayerNorm(D), nn.MultiheadAttention(D, HEADS, batch_first=True), nn.LayerNorm(D)
    first, second = nn.Linear(D, D), nn.Linear(D, D)
    blocks.append((norm1, attention, norm2, first, second))
    at = f"blocks.{n}."
    names |= {
        at + "attention.scale": norm1.weight, at + "attention.shift": norm1.bias,
        at + "attention.projection": attention.in_proj_weight, at + "attention.projection-bias": attention.in_proj_bias,
        at + "attention.output": attention.out_proj.weight, at + "attention.output-bias": attention.out_proj.bias,
        at + "forward.scale": norm2.weight, at + "forward.shift": norm2.bias,
        at + "forward.first": first.weight, at + "forward.first-bias": first.bias,
        at + "forward.second": second.weight, at + "forward.second-bias": second.bias,
    }
final = nn.LayerNorm(D)
names |= {"final.scale": final.weight, "final.shift": final.bias}
for parameter in names.values():
    nn.init.normal_(parameter, std=0.5)

states, targets = [], []
for sequence in sequences:
    read = torch.tensor(sequence[:-1])
    place = torch.arange(LENGTH - len(read), LENGTH)
    x = (items(read) + positions(place))[None]
    hidden = torch.triu(torch.ones(len(read), len(read), dtype=torch.bool), 1)
    for norm1, attention, norm2, first, second in blocks:
        y = norm1(x)
        x = x + attention(y, y, y, attn_mask=hidden, need_weights=False)[0]
        x = x + second(torch.relu(first(norm2(x))))
    states.append(final(x)[0])
    targets += sequence[1:]
states = torch.cat(states)
loss = nn.functional.cross_entropy(states @ items.weight.T, torch.tensor(targets))
loss.backward()

out = {
    "factors": D, "heads": HEADS, "blocks": BLOCKS, "length": LENGTH, "sequences": sequences,
    "parameters": {n: p.detach().ravel().tolist() for n, p in names.items()},
    "gradients": {n: p.grad.ravel().tolist() for n, p in names.items()},
    "states": states.detach().ravel().tolist(), "loss": loss.item(),
}
path = pathlib.Path(__file__).parents[1] / "RecommendTests/Fixtures/sasrec.json"
path.write_text(json.dumps(out) + "\n")
