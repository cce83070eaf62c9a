"""SetFit's recipe in PyTorch on labelled texts: contrastive pairs, cosine similarity loss, logistic regression.

Command:   python few_shot.py TRAIN.tsv.gz TEST.tsv.gz MODEL_DIR [--seeds 1] [--shots 8] [--pairs 20]
           (header intent<TAB>text; MODEL_DIR a sentence encoder with mean pooling)

Prints accuracy on the test texts of the head on the encoder as it is and after fine-tuning, for each seed. The recipe is that
of `few-shot-intents`: for each text `pairs` partners of its label (1) and `pairs` of others (0), batches of 16 pairs, one
epoch, AdamW 2e-5 with weight decay 0.01, 10 % warm-up and a linear fall, gradients cut to norm 1; LogisticRegression(C=1).
"""

import argparse
import random

import pandas
import torch
from sklearn.linear_model import LogisticRegression
from transformers import AutoModel, AutoTokenizer, get_linear_schedule_with_warmup

parser = argparse.ArgumentParser()
parser.add_argument("train")
parser.add_argument("test")
parser.add_argument("model")
parser.add_argument("--seeds", type=int, default=1)
parser.add_argument("--shots", type=int, default=8)
parser.add_argument("--pairs", type=int, default=20)
args = parser.parse_args()
torch.set_num_threads(2)
tokenizer = AutoTokenizer.from_pretrained(args.model)
train, test = (pandas.read_csv(path, sep="\t", quoting=3) for path in (args.train, args.test))


def vectors(model, texts):
    batch = tokenizer(texts, padding=True, truncation=True, max_length=256, return_tensors="pt")
    hidden = model(**batch).last_hidden_state
    mask = batch["attention_mask"][..., None].float()
    return torch.nn.functional.normalize((hidden * mask).sum(1) / mask.sum(1), dim=1)


def accuracy(model, texts, labels):
    model.eval()
    with torch.no_grad():
        x = torch.cat([vectors(model, texts[i:i + 64]) for i in range(0, len(texts), 64)])
        tests = test.text.tolist()
        y = torch.cat([vectors(model, tests[i:i + 64]) for i in range(0, len(tests), 64)])
    head = LogisticRegression(C=1, max_iter=1000).fit(x.numpy(), labels)
    return head.score(y.numpy(), test.intent)


for seed in range(args.seeds):
    rng = random.Random(seed)
    torch.manual_seed(seed)
    drawn = train.sample(frac=1, random_state=seed).groupby("intent").head(args.shots)
    texts, labels = drawn.text.tolist(), drawn.intent.tolist()
    pairs = []
    for i, label in enumerate(labels):
        same = [j for j, other in enumerate(labels) if other == label and j != i]
        others = [j for j, other in enumerate(labels) if other != label]
        pairs += [(i, rng.choice(same), 1.0) for _ in range(args.pairs)]
        pairs += [(i, rng.choice(others), 0.0) for _ in range(args.pairs)]
    rng.shuffle(pairs)
    model = AutoModel.from_pretrained(args.model)
    before = accuracy(model, texts, labels)
    model.train()
    matrices = [p for p in model.parameters() if p.ndim > 1]
    rest = [p for p in model.parameters() if p.ndim <= 1]
    optimizer = torch.optim.AdamW(
        [{"params": matrices, "weight_decay": 0.01}, {"params": rest, "weight_decay": 0.0}], lr=2e-5)
    steps = (len(pairs) + 15) // 16
    schedule = get_linear_schedule_with_warmup(optimizer, -(-steps // 10), steps)
    for step in range(steps):
        part = pairs[16 * step:16 * step + 16]
        both = vectors(model, [texts[a] for a, _, _ in part] + [texts[b] for _, b, _ in part])
        cosines = (both[:len(part)] * both[len(part):]).sum(1)
        loss = torch.nn.functional.mse_loss(cosines, torch.tensor([s for _, _, s in part]))
        optimizer.zero_grad()
        loss.backward()
        torch.nn.utils.clip_grad_norm_(model.parameters(), 1.0)
        optimizer.step()
        schedule.step()
    print("seed", seed, "as it was", round(before, 4), "fine-tuned", round(accuracy(model, texts, labels), 4), flush=True)
