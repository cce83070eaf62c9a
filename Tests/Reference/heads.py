"""Heads on the small random BERT of bert_small.py against transformers, and the metrics of seqeval and SQuAD.

Command:   python heads.py
Versions:  torch 2.13.0, transformers 5.23.0, sentence-transformers 6.2.0, seqeval 1.2.2

Writes Tests/MarketingMLTests/Fixtures/
  heads.safetensors   for regression / multilabel / tokens / questions: NAME.weight, NAME.bias of the head, NAME.scores
                      (packed tokens for the last two), NAME.loss, NAME.grad.query (of layer 0), NAME.grad.weight, and targets;
                      for ranking / cosine: embeddings a, b [6, 10], targets, loss, gradients
  heads.json          tags with seqeval's report; answers with SQuAD's exact match and F1
"""

import collections
import json
import random
import re
import string
import warnings
from pathlib import Path

import torch
from safetensors.torch import load_file, save_file
from transformers import (
    BertForQuestionAnswering, BertForSequenceClassification, BertForTokenClassification)

warnings.simplefilter("ignore")
FIXTURES = Path(__file__).parent.parent / "MarketingMLTests/Fixtures"
source = load_file(FIXTURES / "bert-small.safetensors")
offsets = [0] + source["lengths"].long().cumsum(0).tolist()
ROWS = [
    (source["ids"][a:b].long()[None], source["token_types"][a:b].long()[None]) for a, b in zip(offsets[:-1], offsets[1:])]
out = {}


def head(model, layer, outputs, seed):
    g = torch.Generator().manual_seed(seed)
    layer.weight.data = torch.randn((outputs, 40), generator=g) * 0.2
    layer.bias.data = torch.randn((outputs,), generator=g) * 0.2
    return model.eval()


def record(name, layer, model, scores, loss):
    loss.backward()
    query = model.bert.encoder.layer[0].attention.self.query.weight
    out.update({
        f"{name}.weight": layer.weight.detach(), f"{name}.bias": layer.bias.detach(), f"{name}.scores": scores.detach(),
        f"{name}.loss": loss.detach()[None], f"{name}.grad.query": query.grad, f"{name}.grad.weight": layer.weight.grad})


def texts(name, problem, outputs, targets):
    model = BertForSequenceClassification.from_pretrained(
        FIXTURES / "bert-small", num_labels=outputs, problem_type=problem, ignore_mismatched_sizes=True)
    head(model, model.classifier, outputs, 1)
    scores = torch.cat([model(input_ids=i, token_type_ids=t).logits for i, t in ROWS])
    # The library's own loss functions for these problem types, on all rows together.
    loss = (torch.nn.MSELoss()(scores.squeeze(), targets.squeeze()) if problem == "regression"
            else torch.nn.BCEWithLogitsLoss()(scores, targets))
    own = model(input_ids=ROWS[0][0], token_type_ids=ROWS[0][1], labels=targets[:1]).loss
    expected = (torch.nn.MSELoss()(scores[:1].squeeze(), targets[:1].squeeze()) if problem == "regression"
                else torch.nn.BCEWithLogitsLoss()(scores[:1], targets[:1]))
    assert torch.allclose(own, expected)
    out[f"{name}.targets"] = targets
    record(name, model.classifier, model, scores, loss)


g = torch.Generator().manual_seed(3)
texts("regression", "regression", 1, torch.randn((5, 1), generator=g))
texts("multilabel", "multi_label_classification", 4, (torch.rand((5, 4), generator=g) < 0.5).float())

model = BertForTokenClassification.from_pretrained(FIXTURES / "bert-small", num_labels=5, ignore_mismatched_sizes=True)
head(model, model.classifier, 5, 2)
labels = torch.randint(0, 5, (58,), generator=g)
labels[torch.rand((58,), generator=g) < 0.3] = -100
scores = torch.cat([model(input_ids=i, token_type_ids=t).logits[0] for i, t in ROWS])
own = model(input_ids=ROWS[0][0], token_type_ids=ROWS[0][1], labels=labels[None, :7]).loss
assert torch.allclose(own, torch.nn.functional.cross_entropy(scores[:7], labels[:7]))
out["tokens.targets"] = labels
record("tokens", model.classifier, model, scores, torch.nn.functional.cross_entropy(scores, labels))

model = BertForQuestionAnswering.from_pretrained(FIXTURES / "bert-small")
head(model, model.qa_outputs, 2, 4)
spans = torch.tensor([[2, 4], [0, 0], [0, 0], [1, 3], [20, 31]])
results = [
    model(input_ids=i, token_type_ids=t, start_positions=s[None, 0], end_positions=s[None, 1])
    for (i, t), s in zip(ROWS, spans)]
scores = torch.cat([torch.stack([r.start_logits[0], r.end_logits[0]], dim=1) for r in results])
out["questions.targets"] = spans
record("questions", model.qa_outputs, model, scores, torch.stack([r.loss for r in results]).mean())

# Contrastive losses on given vectors.
from sentence_transformers.util import cos_sim, pairwise_cos_sim

for name in ["ranking", "cosine"]:
    a = torch.randn((6, 10), generator=g).requires_grad_()
    b = torch.randn((6, 10), generator=g).requires_grad_()
    if name == "ranking":
        targets = torch.arange(6)
        loss = torch.nn.functional.cross_entropy(cos_sim(a, b) * 20.0, targets)
    else:
        targets = torch.tensor([1.0, 0.0, 0.3, 1.0, 0.0, 0.7])
        loss = torch.nn.MSELoss()(pairwise_cos_sim(a, b), targets)
    loss.backward()
    out.update({
        f"{name}.a": a.detach(), f"{name}.b": b.detach(), f"{name}.targets": targets.float(), f"{name}.loss": loss.detach()[None],
        f"{name}.grad.a": a.grad, f"{name}.grad.b": b.grad})
save_file({k: v.contiguous() for k, v in out.items()}, FIXTURES / "heads.safetensors")

from seqeval.metrics import classification_report


# The definitions of SQuAD v2's official script.
def normalize(text):
    text = "".join(c for c in text.lower() if c not in string.punctuation)
    return " ".join(re.sub(r"\b(a|an|the)\b", " ", text).split())


def compute_exact(truth, predicted):
    return int(normalize(truth) == normalize(predicted))


def compute_f1(truth, predicted):
    t, p = normalize(truth).split(), normalize(predicted).split()
    common = sum((collections.Counter(t) & collections.Counter(p)).values())
    if not t or not p:
        return float(t == p)
    if common == 0:
        return 0.0
    precision, recall = common / len(p), common / len(t)
    return 2 * precision * recall / (precision + recall)



rng = random.Random(4)
choices = ["O", "O", "O", "B-price", "I-price", "B-product", "I-product", "B-place", "I-place"]
truth = [[rng.choice(choices) for _ in range(rng.randint(1, 12))] for _ in range(60)]
predicted = [[t if rng.random() < 0.7 else rng.choice(choices) for t in row] for row in truth]
report = classification_report(truth, predicted, output_dict=True, zero_division=0)
report = {k: {n: float(x) for n, x in v.items()} for k, v in report.items()}
answers = [
    ("The  Eiffel Tower", "eiffel tower"), ("", ""), ("", "a"), ("the", "a"), ("42 euros, or less", "less than 42 euros"),
    ("It's here!", "its here"), ("red red blue", "red blue blue"), ("an apple", "Apple."), ("yes", ""), ("café", "cafe")]
json.dump({
    "truth": truth, "predicted": predicted, "report": report,
    "answers": [
        {"truth": t, "predicted": p, "exact": compute_exact(t, p), "f1": float(compute_f1(t, p))} for t, p in answers],
}, open(FIXTURES / "heads.json", "w"), ensure_ascii=False)
