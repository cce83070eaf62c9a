"""Text classifiers trained from scratch in PyTorch with the recipes of TextClassifier.train: what the same models get there.

Command:   python text_models.py --data DIR --set reviews-zh --kind convolution --seeds 1 2 3 [--epochs 6 --rate 1e-3 ...]
Versions:  torch 2.13.0, numpy 2.4.6, scikit-learn 1.9.1

Writes no fixture; prints for each seed the validation loss and accuracy of every epoch, and the test figures (accuracy, macro-F1; AUC of two
classes) of the epoch with the lowest validation loss. Words are those of WordTokenizer (lower case, punctuation, Chinese characters with pairs between them), the vocabulary has
the same limits; layers, initial weights, dropout, Adam, schedule and clipping are those of the library's defaults:
  lstm, gru:    embedding, dropout, bidirectional layer, maximum over the words, dropout, linear
  convolution:  embedding, dropout, convolutions of each width with ReLU, maximum over the words, dropout, linear
"""
import argparse
import collections
import gzip
import re

import numpy as np
import torch
from sklearn.metrics import f1_score, roc_auc_score
from torch import nn
from torch.nn.utils.rnn import pack_padded_sequence, pad_packed_sequence, pad_sequence

HAN = "\u3400-\u4dbf\u4e00-\u9fff\uf900-\ufaff\u3041-\u30ff"
WORD = re.compile(rf"[{HAN}]|(?:(?<=\d)[.,](?=\d)|(?<=[^\W\d])['’](?=[^\W\d])|[^\W_{HAN}])+|[^\w\s]|_")


def read(path, text, label):
    with gzip.open(path, "rt", encoding="utf-8", newline="\n") as f:
        names = f.readline().rstrip("\n").split("\t")
        rows = [line.rstrip("\n").split("\t") for line in f]
    t, l = names.index(text), names.index(label)
    return [r[t] for r in rows], [r[l] for r in rows]


def words(text, pairs=True):
    out, last, end = [], None, -1
    for m in WORD.finditer(text.lower()):
        word = m.group()
        is_han = re.fullmatch(f"[{HAN}]", word) is not None
        if pairs and is_han and last is not None and m.start() == end:
            out.append(last + word)
        out.append(word)
        last, end = (word, m.end()) if is_han else (None, -1)
    return out


class Model(nn.Module):
    def __init__(self, args, size, classes):
        super().__init__()
        self.embedding = nn.Embedding(size, args.dimension)
        nn.init.uniform_(self.embedding.weight, -0.05, 0.05)
        self.dropout = nn.Dropout(args.dropout)
        self.kind = args.kind
        if args.kind == "convolution":
            self.body = nn.ModuleList([nn.Conv1d(args.dimension, args.units, w, padding="same") for w in args.widths])
            width = args.units * len(args.widths)
        else:
            layer = nn.LSTM if args.kind == "lstm" else nn.GRU
            self.body = layer(args.dimension, args.units, batch_first=True, bidirectional=True)
            width = 2 * args.units
        self.head = nn.Linear(width, classes)

    def forward(self, rows):
        lengths = torch.tensor([len(r) for r in rows])
        x = self.dropout(self.embedding(pad_sequence(rows, batch_first=True)))
        if self.kind == "convolution":
            mask = torch.arange(x.shape[1])[None, :] < lengths[:, None]
            x = (x * mask[:, :, None]).transpose(1, 2)
            x = torch.cat([torch.relu(c(x)).masked_fill(~mask[:, None], -1e9).amax(2) for c in self.body], 1)
        else:
            y, _ = self.body(pack_padded_sequence(x, lengths, batch_first=True, enforce_sorted=False))
            x = pad_packed_sequence(y, batch_first=True, padding_value=-1e9)[0].amax(1)
        return self.head(self.dropout(x))


def judge(model, rows, y):
    model.eval()
    with torch.no_grad():
        logits = torch.cat([model(rows[i:i + 64]) for i in range(0, len(rows), 64)])
    return nn.functional.cross_entropy(logits, y).item(), logits


def figures(logits, y):
    """Accuracy and macro-F1; of two classes the area under the ROC curve as well."""
    answers = logits.argmax(1)
    found = {"accuracy": (answers == y).float().mean().item(), "macro-F1": f1_score(y, answers, average="macro")}
    if logits.shape[1] == 2:
        found["AUC"] = roc_auc_score(y, (logits[:, 1] - logits[:, 0]).numpy())
    return found


def main():
    ap = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    ap.add_argument("--data", required=True)
    ap.add_argument("--set", default="reviews-zh")
    ap.add_argument("--text", default="text")
    ap.add_argument("--label", default="label")
    ap.add_argument("--kind", default="convolution", choices=["lstm", "gru", "convolution"])
    ap.add_argument("--units", type=int, default=128)
    ap.add_argument("--dimension", type=int, default=128)
    ap.add_argument("--widths", type=int, nargs="+", default=[1, 2, 3])
    ap.add_argument("--dropout", type=float, default=0.5)
    ap.add_argument("--epochs", type=int, default=6)
    ap.add_argument("--rate", type=float, default=1e-3)
    ap.add_argument("--size", type=int, default=20000)
    ap.add_argument("--length", type=int, default=256)
    ap.add_argument("--no-pairs", action="store_true")
    ap.add_argument("--seeds", type=int, nargs="+", default=[1, 2, 3])
    ap.add_argument("--threads", type=int, default=1)
    ap.add_argument("--no-test", action="store_true", help="while settings are chosen")
    args = ap.parse_args()
    torch.set_num_threads(args.threads)

    parts = {p: read(f"{args.data}/{args.set}/{p}.tsv.gz", args.text, args.label) for p in ["train", "dev", "test"]}
    texts = {p: [words(t, not args.no_pairs) for t in x] for p, (x, _) in parts.items()}
    counts = collections.Counter(w for t in texts["train"] for w in t)
    kept = sorted((w for w in counts if counts[w] >= 2), key=lambda w: (-counts[w], w.encode()))[:args.size - 2]
    ids = {w: i + 2 for i, w in enumerate(kept)}
    is_pair = lambda w: len(w) == 2 and re.fullmatch(f"[{HAN}]+", w) is not None
    rows = {p: [torch.tensor([ids.get(w, 1) for w in t if w in ids or not is_pair(w)][:args.length] or [1])
                for t in x] for p, x in texts.items()}
    classes = sorted(set(parts["train"][1]))
    y = {p: torch.tensor([classes.index(l) for l in x[1]]) for p, x in parts.items()}
    print(args, f"vocabulary {len(ids) + 2}, mean length {np.mean([len(r) for r in rows['train']]):.1f}")

    results = []
    for seed in args.seeds:
        torch.manual_seed(seed)
        model = Model(args, len(ids) + 2, len(classes))
        optimizer = torch.optim.Adam(model.parameters(), lr=args.rate)
        batches = -(-len(rows["train"]) // 32)
        schedule = torch.optim.lr_scheduler.LambdaLR(optimizer, lambda s: max(0.0, 1 - s / (args.epochs * batches)))
        best = None
        for epoch in range(args.epochs):
            model.train()
            order = torch.randperm(len(rows["train"])).tolist()
            for i in range(0, len(order), 32):
                batch = order[i:i + 32]
                loss = nn.functional.cross_entropy(model([rows["train"][b] for b in batch]), y["train"][batch])
                optimizer.zero_grad()
                loss.backward()
                nn.utils.clip_grad_norm_(model.parameters(), 1.0)
                optimizer.step()
                schedule.step()
            dev, logits = judge(model, rows["dev"], y["dev"])
            accuracy = (logits.argmax(1) == y["dev"]).float().mean().item()
            print(f"seed {seed} epoch {epoch + 1}: dev loss {dev:.4f} accuracy {accuracy:.4f}", flush=True)
            if best is None or dev < best[0]:
                test = None if args.no_test else judge(model, rows["test"], y["test"])[1]
                best = (dev, accuracy, test)
        if not args.no_test:
            results.append(figures(best[2], y["test"]))
            print(f"seed {seed}: dev {best[1]:.4f} test {results[-1]}", flush=True)
    for name in results[0] if results else []:
        values = [r[name] for r in results]
        print(f"mean test {name} {np.mean(values):.4f} of {[round(float(v), 4) for v in values]}")


if __name__ == "__main__":
    main()
