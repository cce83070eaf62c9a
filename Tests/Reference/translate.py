"""The model of the example `translate` in PyTorch: training from scratch on pairs of texts, BLEU and chrF.

Command:   python translate.py --train FILE --dev FILE --test FILE --source eng --target cmn [--tokens zh] [--epochs 12]
Versions:  torch 2.13.0, tokenizers 0.22, sacrebleu 2.6.0

The recipe is the example's: byte-level BPE of up to 4,000 tokens a side learned from the training pairs, 2 + 2 layers of 128 with
4 heads and 512 wide, post-LayerNorm, sinusoidal positions, ReLU, dropout 0.1 (embeddings and sublayers), output tied to
the target's embeddings; Adam (0.9, 0.98, 1e-9), 2e-3 after a tenth of the updates as warm-up, then falling with the root of the
updates; gradients clipped to 1, label smoothing 0.1, batches of 1,500 tokens in random order, the epoch with the lowest
validation loss, and no further one after three without a lower loss. Decoding is greedy here unless --beams is above 1 (length-normalised scores, as the example's).
References are grouped by lower-cased source. Writes no fixture; prints losses, BLEU and chrF with sacreBLEU's signatures.
"""
import argparse
import copy
import math
import pathlib
import random
import time

from reference_common import read_table, torch_setup

torch = torch_setup()
from torch import nn
from torch.nn import functional as F

SIZE, HEADS, WIDE, LAYERS, POSITIONS, CUT = 128, 4, 512, 2, 512, 64


class Model(nn.Module):
    def __init__(self, source, target, dropout):
        super().__init__()
        self.source, self.target = nn.Embedding(source, SIZE), nn.Embedding(target, SIZE)
        for table in (self.source, self.target):
            nn.init.normal_(table.weight, std=SIZE ** -0.5)
        position = torch.arange(POSITIONS).unsqueeze(1)
        angle = position * torch.exp(torch.arange(0, SIZE, 2) * (-math.log(10000.0) / SIZE))
        table = torch.zeros(POSITIONS, SIZE)
        table[:, 0::2], table[:, 1::2] = torch.sin(angle), torch.cos(angle)
        self.register_buffer("positions", table)
        kwargs = dict(d_model=SIZE, nhead=HEADS, dim_feedforward=WIDE, dropout=dropout, batch_first=True)
        self.encoder = nn.ModuleList(nn.TransformerEncoderLayer(**kwargs) for _ in range(LAYERS))
        self.decoder = nn.ModuleList(nn.TransformerDecoderLayer(**kwargs) for _ in range(LAYERS))
        for layer in [*self.encoder, *self.decoder]:
            layer.dropout = nn.Identity()  # inside of the feed-forward layer, where the paper has none
            for part in ("self_attn", "multihead_attn"):
                if hasattr(layer, part):
                    getattr(layer, part).dropout = 0.0
                    for block in getattr(layer, part).in_proj_weight.data.chunk(3):
                        nn.init.xavier_uniform_(block)
                    nn.init.xavier_uniform_(getattr(layer, part).out_proj.weight)
            for part in (layer.linear1, layer.linear2):
                nn.init.xavier_uniform_(part.weight)
                nn.init.zeros_(part.bias)
        self.dropout = nn.Dropout(dropout)

    def embedded(self, ids, table):
        return self.dropout(table(ids) * math.sqrt(SIZE) + self.positions[: ids.shape[1]])

    def encode(self, ids, padding):
        x = self.embedded(ids, self.source)
        for layer in self.encoder:
            x = layer(x, src_key_padding_mask=padding)
        return x

    def decode(self, ids, padding, encoded, source_padding):
        y = self.embedded(ids, self.target)
        causal = torch.triu(torch.ones(ids.shape[1], ids.shape[1], dtype=torch.bool), 1)
        for layer in self.decoder:
            y = layer(y, encoded, tgt_mask=causal, tgt_key_padding_mask=padding, memory_key_padding_mask=source_padding)
        return y @ self.target.weight.T


def tokenizer(texts, size):
    from tokenizers import Tokenizer, decoders, models, pre_tokenizers, trainers
    result = Tokenizer(models.BPE())
    result.pre_tokenizer = pre_tokenizers.ByteLevel(add_prefix_space=False)
    result.decoder = decoders.ByteLevel()
    result.train_from_iterator(texts, trainers.BpeTrainer(
        vocab_size=size, min_frequency=2, special_tokens=["<s>", "</s>"], show_progress=False,
        initial_alphabet=pre_tokenizers.ByteLevel.alphabet()))
    return result


def padded(rows):
    ids = torch.zeros(len(rows), max(map(len, rows)), dtype=torch.long)
    padding = torch.ones_like(ids, dtype=torch.bool)
    for index, row in enumerate(rows):
        ids[index, : len(row)], padding[index, : len(row)] = torch.tensor(row), False
    return ids, padding


def loss_of(net, rows, smoothing):
    source, source_padding = padded([s for s, _ in rows])
    target, padding = padded([[0] + t[:-1] for _, t in rows])
    scores = net.decode(target, padding, net.encode(source, source_padding), source_padding)[~padding]
    labels = torch.cat([torch.tensor(t) for _, t in rows])
    return F.cross_entropy(scores, labels, label_smoothing=smoothing), len(labels)


@torch.inference_mode()
def translate(net, source, beams):
    ids, padding = padded([source])
    encoded = net.encode(ids, padding)
    rows, finished = [([0], 0.0)], []
    for _ in range(CUT - 1):
        target = torch.tensor([row for row, _ in rows])
        scores = net.decode(target, None, encoded.expand(len(rows), -1, -1), padding.expand(len(rows), -1))[:, -1]
        sums = scores.log_softmax(-1) + torch.tensor([score for _, score in rows]).unsqueeze(1)
        best = sums.flatten().topk(2 * beams)
        following = []
        for rank, (score, place) in enumerate(zip(best.values.tolist(), best.indices.tolist())):
            row, token = rows[place // scores.shape[1]][0], place % scores.shape[1]
            if token == 1:
                if rank < beams:
                    finished.append((score / len(row), row[1:]))
            elif len(following) < beams:
                following.append((row + [token], score))
        rows = following
        if len(finished) >= beams and max(finished)[0] >= rows[0][1] / len(rows[0][0]):
            break
    finished += [(score / len(row), row[1:]) for row, score in rows] if not finished else []
    return max(finished)[1]


def main():
    ap = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    for name in ("train", "dev", "test"):
        ap.add_argument("--" + name, type=pathlib.Path, required=True)
    ap.add_argument("--source", default="source")
    ap.add_argument("--target", default="target")
    ap.add_argument("--tokens", default="13a")
    ap.add_argument("--epochs", type=int, default=12)
    ap.add_argument("--vocabulary", type=int, default=4000)
    ap.add_argument("--dropout", type=float, default=0.1)
    ap.add_argument("--beams", type=int, default=4)
    ap.add_argument("--seed", type=int, default=42)
    args = ap.parse_args()
    random.seed(args.seed)
    torch.manual_seed(args.seed)

    def pairs(path):
        header, rows = read_table(path)
        return [(row[header.index(args.source)], row[header.index(args.target)]) for row in rows]

    train, dev, test = pairs(args.train), pairs(args.dev), pairs(args.test)
    source, target = tokenizer([s for s, _ in train], args.vocabulary), tokenizer([t for _, t in train], args.vocabulary)

    def encoded(rows):
        return [(source.encode(s).ids[: CUT - 1] + [1], target.encode(t).ids[: CUT - 1] + [1]) for s, t in rows]

    data, held = encoded(train), encoded(dev)
    net = Model(source.get_vocab_size(), target.get_vocab_size(), args.dropout)
    optimizer = torch.optim.Adam(net.parameters(), lr=2e-3, betas=(0.9, 0.98), eps=1e-9)
    total = args.epochs * math.ceil(sum(len(s) + len(t) for s, t in data) / 1500)
    warmup, step, best, waited, start = math.ceil(total / 10), 0, (math.inf, None), 0, time.time()
    for epoch in range(args.epochs):
        random.shuffle(data)
        net.train()
        batch, tokens, batches = [], 0, []
        for row in data:
            if batch and tokens + len(row[0]) + len(row[1]) > 1500:
                batches.append(batch)
                batch, tokens = [], 0
            batch.append(row)
            tokens += len(row[0]) + len(row[1])
        for batch in batches + [batch]:
            for group in optimizer.param_groups:
                group["lr"] = 2e-3 * (step / warmup if step < warmup else math.sqrt(warmup / step))
            optimizer.zero_grad()
            loss_of(net, batch, 0.1)[0].backward()
            torch.nn.utils.clip_grad_norm_(net.parameters(), 1.0)
            optimizer.step()
            step += 1
        net.eval()
        with torch.inference_mode():
            losses = [loss_of(net, held[i: i + 64], 0.0) for i in range(0, len(held), 64)]
        loss = sum(float(l) * n for l, n in losses) / sum(n for _, n in losses)
        print(f"epoch {epoch + 1}: validation loss {loss:.4f}, {time.time() - start:.0f} s", flush=True)
        if loss < best[0]:
            best, waited = (loss, copy.deepcopy(net.state_dict())), 0
        elif (waited := waited + 1) == 3:
            break
    net.load_state_dict(best[1])

    groups = {}
    for s, t in test:
        groups.setdefault(s.lower(), (s, []))[1].append(t)
    hypotheses = [target.decode(translate(net, source.encode(s).ids[: CUT - 1] + [1], args.beams)) for s, _ in groups.values()]
    from sacrebleu.metrics import BLEU, CHRF
    most = max(len(r) for _, r in groups.values())
    references = [[r[i] if i < len(r) else None for _, r in groups.values()] for i in range(most)]
    for metric in (BLEU(tokenize=args.tokens), CHRF()):
        print(metric.corpus_score(hypotheses, references), metric.get_signature(), flush=True)


main()
