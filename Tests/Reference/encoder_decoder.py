"""Small random encoder-decoder Transformers of PyTorch's own layers: scores, loss with label smoothing, every gradient.

Command:   python encoder_decoder.py [--out DIR]
Versions:  torch 2.13.0, float32 on the CPU

Produces two files, float32 unless noted ("packed" means the real tokens of all rows one after the other, no padding):
  encoder-decoder-after.safetensors    norms after the sublayers, sinusoidal positions, the output tied to the target's
                                       embeddings, ReLU: the paper's model
  encoder-decoder-before.safetensors   norms before, learned positions, an output layer of its own, GELU
with source_ids i32 [18], source_lengths i32 [4], target_ids i32 [19] (decoder input), target_lengths i32 [4], labels i32 [19],
encoded [18, 16], scores [19, 41], loss [1], and weight.<name>, grad.<name> of every parameter under MarketingML's names:
query_key_value is in_proj_weight; the cross-attention's in_proj_weight is cut into query and key_value.
"""
import math

from reference_common import options, save_tensors, torch_setup

torch = torch_setup()
from torch import nn

SIZE, HEADS, WIDE, SOURCE, TARGET, LAYERS, POSITIONS = 16, 4, 24, 37, 41, 2, 32
SOURCE_LENGTHS, TARGET_LENGTHS = [5, 1, 9, 3], [4, 6, 1, 8]


def sinusoids():
    position = torch.arange(POSITIONS, dtype=torch.float64).unsqueeze(1)
    angle = position * torch.exp(torch.arange(0, SIZE, 2, dtype=torch.float64) * (-math.log(10000.0) / SIZE))
    table = torch.zeros(POSITIONS, SIZE, dtype=torch.float64)
    table[:, 0::2], table[:, 1::2] = torch.sin(angle), torch.cos(angle)
    return table.float()


class Model(nn.Module):
    def __init__(self, before):
        super().__init__()
        self.source_embeddings, self.target_embeddings = nn.Embedding(SOURCE, SIZE), nn.Embedding(TARGET, SIZE)
        self.before = before
        if before:
            self.source_positions, self.target_positions = nn.Embedding(POSITIONS, SIZE), nn.Embedding(POSITIONS, SIZE)
            self.output = nn.Linear(SIZE, TARGET, bias=False)
            self.encoder_norm, self.decoder_norm = nn.LayerNorm(SIZE), nn.LayerNorm(SIZE)
        else:
            self.fixed = sinusoids()
        kwargs = dict(d_model=SIZE, nhead=HEADS, dim_feedforward=WIDE, dropout=0.0, batch_first=True, norm_first=before,
                      activation="gelu" if before else "relu")
        self.encoder = nn.ModuleList(nn.TransformerEncoderLayer(**kwargs) for _ in range(LAYERS))
        self.decoder = nn.ModuleList(nn.TransformerDecoderLayer(**kwargs) for _ in range(LAYERS))

    def embedded(self, ids, words, positions):
        table = positions.weight if self.before else self.fixed
        return words(ids) * math.sqrt(SIZE) + table[: ids.shape[1]]

    def forward(self, source, source_padding, target, target_padding):
        x = self.embedded(source, self.source_embeddings, getattr(self, "source_positions", None))
        for layer in self.encoder:
            x = layer(x, src_key_padding_mask=source_padding)
        encoded = self.encoder_norm(x) if self.before else x
        y = self.embedded(target, self.target_embeddings, getattr(self, "target_positions", None))
        causal = torch.triu(torch.ones(target.shape[1], target.shape[1], dtype=torch.bool), 1)
        for layer in self.decoder:
            y = layer(y, encoded, tgt_mask=causal, tgt_key_padding_mask=target_padding,
                      memory_key_padding_mask=source_padding)
        y = self.decoder_norm(y) if self.before else y
        weight = self.output.weight if self.before else self.target_embeddings.weight
        return encoded, y @ weight.T


def renamed(name, value):
    """MarketingML's names for a parameter of PyTorch, or for its gradient."""
    for old, new in [("self_attn.in_proj_", "self_attention.query_key_value."), ("self_attn.out_proj", "self_attention.output"),
                     ("multihead_attn.out_proj", "cross_attention.output"), ("linear1", "feed_forward.hidden"),
                     ("linear2", "feed_forward.output"), ("norm1", "self_attention.norm")]:
        name = name.replace(old, new)
    if name.startswith("encoder."):
        name = name.replace("norm2", "feed_forward.norm")
    name = name.replace("norm2", "cross_attention.norm").replace("norm3", "feed_forward.norm")
    if "multihead_attn.in_proj_" in name:
        return {name.replace("multihead_attn.in_proj_", "cross_attention.query."): value[:SIZE],
                name.replace("multihead_attn.in_proj_", "cross_attention.key_value."): value[SIZE:]}
    return {name: value}


def padded(rows):
    ids = torch.zeros(len(rows), max(map(len, rows)), dtype=torch.long)
    padding = torch.ones_like(ids, dtype=torch.bool)
    for index, row in enumerate(rows):
        ids[index, : len(row)], padding[index, : len(row)] = row, False
    return ids, padding


def write(path, before):
    g = torch.Generator().manual_seed(40 + before)
    net = Model(before)
    with torch.no_grad():
        for name, p in sorted(net.named_parameters()):
            p.copy_(torch.randn(p.shape, generator=g) * 0.25)
            if "norm" in name and name.endswith("weight"):
                p.add_(1.0)
    sources = [torch.randint(3, SOURCE, (n,), generator=g) for n in SOURCE_LENGTHS]
    targets = [torch.randint(3, TARGET, (n,), generator=g) for n in TARGET_LENGTHS]
    for row in targets:
        row[0] = 1
    labels = [torch.cat([row[1:], torch.tensor([2])]) for row in targets]
    source, source_padding = padded(sources)
    target, target_padding = padded(targets)
    encoded, scores = net(source, source_padding, target, target_padding)
    packed_scores, all_labels = scores[~target_padding], torch.cat(labels)
    loss = nn.functional.cross_entropy(packed_scores, all_labels, label_smoothing=0.1)
    loss.backward()
    values = {
        "source_ids": torch.cat(sources).int(), "source_lengths": torch.tensor(SOURCE_LENGTHS).int(),
        "target_ids": torch.cat(targets).int(), "target_lengths": torch.tensor(TARGET_LENGTHS).int(),
        "labels": all_labels.int(), "encoded": encoded[~source_padding], "scores": packed_scores, "loss": loss.reshape(1)}
    for name, p in net.named_parameters():
        values |= {"weight." + n: v for n, v in renamed(name, p).items()}
        values |= {"grad." + n: v for n, v in renamed(name, p.grad).items()}
    save_tensors(path, values)


def main():
    out = options(__doc__).parse_args().out
    write(out / "encoder-decoder-after.safetensors", False)
    write(out / "encoder-decoder-before.safetensors", True)


main()
