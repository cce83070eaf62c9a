"""Fine-tunes MiniLM for text classification with the fixed recipe of the accuracy comparison.

Commands:  python finetune.py --data DIR --minilm DIR --parity product-reviews-en      (about 5 minutes)
           python finetune.py --data DIR --minilm DIR --parity sentences-en
           python finetune.py --data DIR --minilm DIR --seeds 1..10                    (about 3 minutes a seed)
           add --again to a --parity run to repeat it with another attention implementation ("sdpa") and note in the
           JSON file how far two float32 runs drift apart
Versions:  torch 2.13.0, transformers 5.23.0, tokenizers 0.23.3; float32, 2 threads

Recipe: encoder and pooler of the checkpoint, dropout, linear classifier; 3 epochs, batches of 32 (the last one of an
epoch is smaller), at most 128 tokens, rows padded to the longest of the batch; AdamW (0.9, 0.999, 1e-8), decay 0.01 but
none on biases and LayerNorm; gradients clipped to norm 1; rate 5e-5 with linear warm-up over
w = ceil(0.1 * steps) steps and linear decay: step k (from 0) uses 5e-5 * k / w while k < w, then
5e-5 * (steps - k) / (steps - w), so that the very first step changes nothing. Labels are the sorted label strings.

--parity: no dropout. Produces finetune-<set>.safetensors:
    classifier.weight f32 [2, 384], classifier.bias f32 [2]   where training started
    order i32 [3, rows]        row numbers of train.tsv.gz (0 = first row after the header) in the order of training
    losses f32 [steps]         mean cross-entropy of each batch before its step
    gradient_norms f32 [steps] before clipping
    rates f64 [steps]
    test_logits f32 [rows, 2], test_probabilities f32 [rows, 2], test_predictions i32 [rows], test_labels i32 [rows]
and finetune-<set>.json with accuracy, hyper-parameters, number and FNV-1a 64 hash of the training ids (all rows in file
order: each id as little-endian u32, then 0xFFFFFFFF after each row).
--seeds: dropout 0.1 everywhere (hidden, attention, classifier), product-reviews-en; seed s draws the classifier, the
order and the dropout. Produces finetune-seeds.json, written after each seed; seeds that are in it already are skipped.
"""
import json
import math
import time

from reference_common import THREADS, options, read_table, save_json, save_tensors, torch_setup, versions

torch = torch_setup()
import numpy as np
from tokenizers import Tokenizer
from transformers import BertForSequenceClassification

SETS = {"product-reviews-en": "sentiment", "sentences-en": "label"}
RATE, EPOCHS, BATCH, MAX_LENGTH, DECAY, WARMUP, CLIP = 5e-5, 3, 32, 128, 0.01, 0.1, 1.0


def load(data, minilm, name):
    tokenizer = Tokenizer.from_file(str(minilm / "tokenizer.json"))
    tokenizer.no_padding()
    tokenizer.enable_truncation(MAX_LENGTH)
    out, labels = {}, None
    for part in ("train", "test"):
        header, rows = read_table(data / name / f"{part}.tsv.gz")
        text, label = header.index("text"), header.index(SETS[name])
        labels = labels or sorted({r[label] for r in rows})
        ids = [e.ids for e in tokenizer.encode_batch([r[text] for r in rows])]
        out[part] = ids, np.array([labels.index(r[label]) for r in rows], np.int64)
    return out, labels


def fnv1a(rows):
    h = 0xCBF29CE484222325
    for ids in rows:
        for byte in np.array(ids + [0xFFFFFFFF], "<u4").tobytes():
            h = (h ^ byte) * 0x100000001B3 & 0xFFFFFFFFFFFFFFFF
    return f"{h:016x}"


def pad(ids, rows):
    width = max(len(ids[r]) for r in rows)
    out = torch.zeros(2, len(rows), width, dtype=torch.long)
    for i, r in enumerate(rows):
        out[0, i, :len(ids[r])] = torch.tensor(ids[r])
        out[1, i, :len(ids[r])] = 1
    return dict(input_ids=out[0], attention_mask=out[1])


def run(data, minilm, seed, dropout, attention="eager", verbose=True):
    torch.manual_seed(seed)
    net, info = BertForSequenceClassification.from_pretrained(
        minilm, num_labels=2, attn_implementation=attention, hidden_dropout_prob=dropout,
        attention_probs_dropout_prob=dropout, classifier_dropout=dropout, output_loading_info=True)
    assert set(info["missing_keys"]) == {"classifier.weight", "classifier.bias"}, info
    assert net.dtype == torch.float32
    g = torch.Generator().manual_seed(seed)
    with torch.no_grad():
        net.classifier.weight.copy_(torch.randn(net.classifier.weight.shape, generator=g) * 0.02)
        net.classifier.bias.zero_()
    start = {f"classifier.{k}": v.detach().clone() for k, v in net.classifier.named_parameters()}
    ids, y = data["train"]
    y = torch.from_numpy(y)
    rng = np.random.default_rng(seed)
    order = np.stack([rng.permutation(len(ids)) for _ in range(EPOCHS)]).astype(np.int32)
    steps = EPOCHS * -(-len(ids) // BATCH)
    warm = math.ceil(WARMUP * steps)
    rates = [RATE * (k / warm if k < warm else (steps - k) / (steps - warm)) for k in range(steps)]
    no_decay = lambda name: name.endswith(".bias") or "LayerNorm" in name
    groups = [{"params": [p for n, p in net.named_parameters() if not no_decay(n)], "weight_decay": DECAY},
              {"params": [p for n, p in net.named_parameters() if no_decay(n)], "weight_decay": 0.0}]
    optimizer = torch.optim.AdamW(groups, lr=RATE, betas=(0.9, 0.999), eps=1e-8)
    losses, norms = [], []
    net.train()
    began = time.perf_counter()
    for epoch in range(EPOCHS):
        for s in range(0, len(ids), BATCH):
            rows = order[epoch, s:s + BATCH]
            for group in optimizer.param_groups:
                group["lr"] = rates[len(losses)]
            optimizer.zero_grad()
            loss = torch.nn.functional.cross_entropy(net(**pad(ids, rows)).logits, y[rows.astype(np.int64)])
            loss.backward()
            norms.append(torch.nn.utils.clip_grad_norm_(net.parameters(), CLIP).item())
            optimizer.step()
            losses.append(loss.item())
        if verbose:
            print(f"seed {seed} epoch {epoch + 1}: {np.mean(losses[-(steps // EPOCHS):]):.4f}, "
                  f"{time.perf_counter() - began:.0f} s", flush=True)
    seconds = time.perf_counter() - began
    net.eval()
    ids, truth = data["test"]
    with torch.inference_mode():
        logits = torch.cat([net(**pad(ids, range(s, min(s + BATCH, len(ids))))).logits for s in range(0, len(ids), BATCH)])
    predictions = logits.argmax(1).numpy().astype(np.int32)
    accuracy = float((predictions == truth).mean())
    print(f"seed {seed} {attention}: accuracy {accuracy:.4f}, {seconds:.0f} s", flush=True)
    return start | {
        "order": order, "losses": np.array(losses, np.float32), "gradient_norms": np.array(norms, np.float32),
        "rates": np.array(rates, np.float64), "test_logits": logits, "test_probabilities": logits.softmax(1),
        "test_predictions": predictions, "test_labels": truth.astype(np.int32)}, accuracy, seconds


RECIPE = {"rate": RATE, "epochs": EPOCHS, "batchSize": BATCH, "maxLength": MAX_LENGTH, "weightDecay": DECAY,
          "warmup": WARMUP, "clipNorm": CLIP, "beta1": 0.9, "beta2": 0.999, "epsilon": 1e-8,
          "schedule": "k < w: rate * k / w; else rate * (steps - k) / (steps - w); w = ceil(0.1 * steps), k from 0",
          "noDecay": "names that end in .bias or contain LayerNorm"}


def parity(args):
    name = args.parity
    file = args.out / f"finetune-{name}.json"
    data, labels = load(args.data, args.minilm, name)
    if args.again:
        from safetensors.numpy import load_file
        old = load_file(str(args.out / f"finetune-{name}.safetensors"))
        new, accuracy, _ = run(data, args.minilm, 1, 0.0, "sdpa")
        summary = json.loads(file.read_text())
        difference = np.abs(old["losses"] - new["losses"])
        new["test_probabilities"] = new["test_probabilities"].numpy()
        summary["secondRun"] = {
            "attention": "sdpa", "accuracy": accuracy,
            "largestLossDifferenceUpToStep": {str(k): float(f"{difference[:k].max():.2e}")
                                              for k in (1, 5, 10, 20, 40, 65, 100, 130, len(difference))},
            "largestProbabilityDifference": float(f"{np.abs(old['test_probabilities'] - new['test_probabilities']).max():.2e}"),
            "meanProbabilityDifference": float(f"{np.abs(old['test_probabilities'] - new['test_probabilities']).mean():.2e}"),
            "predictionsThatDiffer": int((old["test_predictions"] != new["test_predictions"]).sum())}
        save_json(file, summary)
        print(summary["secondRun"])
        return
    tensors, accuracy, seconds = run(data, args.minilm, 1, 0.0)
    save_tensors(args.out / f"finetune-{name}.safetensors", tensors)
    ids = data["train"][0]
    n = len(tensors["losses"])
    save_json(file, {
        "versions": versions("torch", "transformers", "tokenizers"), "dataset": name, "textColumn": "text",
        "labelColumn": SETS[name], "labels": labels, "trainRows": len(ids), "testRows": len(data["test"][0]),
        "trainTokens": sum(map(len, ids)), "longestTrainRow": max(map(len, ids)), "trainIdsHash": fnv1a(ids),
        "testIdsHash": fnv1a(data["test"][0]), "recipe": RECIPE | {"dropout": 0.0, "steps": n, "warmupSteps": math.ceil(WARMUP * n)},
        "accuracy": accuracy, "meanLossPerEpoch": [float(x.mean()) for x in np.split(tensors["losses"], EPOCHS)],
        "secondsToTrain": round(seconds, 1), "threads": THREADS})


def seeds(args):
    first, last = map(int, args.seeds.split(".."))
    file = args.out / "finetune-seeds.json"
    data, labels = load(args.data, args.minilm, "product-reviews-en")
    result = json.loads(file.read_text()) if file.exists() else {
        "versions": versions("torch", "transformers", "tokenizers"), "dataset": "product-reviews-en",
        "recipe": RECIPE | {"dropout": 0.1}, "accuracy": {}}
    for seed in range(first, last + 1):
        if str(seed) in result["accuracy"]:
            continue
        tensors, accuracy, seconds = run(data, args.minilm, seed, 0.1)
        result["accuracy"][str(seed)] = accuracy
        values = list(result["accuracy"].values())
        result["mean"] = float(np.mean(values))
        result["standardDeviation"] = float(np.std(values, ddof=1)) if len(values) > 1 else 0.0
        save_json(file, result)


def main():
    ap = options(__doc__, data=True, minilm=True)
    what = ap.add_mutually_exclusive_group(required=True)
    what.add_argument("--parity", choices=list(SETS))
    what.add_argument("--seeds", metavar="FIRST..LAST")
    ap.add_argument("--again", action="store_true")
    args = ap.parse_args()
    parity(args) if args.parity else seeds(args)


main()
