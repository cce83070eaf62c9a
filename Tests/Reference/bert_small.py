"""A small random BERT for sequence classification: forward pass, every gradient, ten AdamW steps.

Command:   python bert_small.py [--out DIR]
Versions:  torch 2.13.0, transformers 5.23.0 (attn_implementation "eager"), float32 on the CPU

Produces (tensors float32 unless noted; linear weights [out, in] as in transformers; "packed" means the real
tokens of all sequences one after the other, no padding):
  bert-small/config.json, bert-small/model.safetensors   as save_pretrained writes them
  bert-small/vocab.txt            97 tokens to go with it (special tokens, letters, digits, punctuation)
  bert-small.safetensors          ids i32 [58], token_types i32 [58], lengths i32 [5], labels i64 [5],
                                  hidden.0 (embeddings) .. hidden.2 (last layer) [58, 40], pooled [5, 40], logits [5, 3],
                                  logits_grad [5, 3], loss [1], grad.<name> of every parameter
  bert-small-steps.safetensors    losses [10], gradient_norms [10] (before clipping), after.<name>
  bert-small-f64.safetensors      the same forward and backward pass in float64 (hidden.*, pooled, logits, loss, grad.*):
                                  the true values, for judging rounding errors
  bert-small-gelu_new.safetensors, bert-small-relu.safetensors   the same weights with another hidden_act:
                                  logits, loss, grad.*
  bert-small-mean.safetensors     mean over the real tokens, then `classifier` (no pooler): mean, logits, loss, grad.*
  bert-small-losses.safetensors   logits; for smoothing / weights / smoothing_weights: NAME.loss [1], NAME.logits_grad
  bert-small.json                 hyper-parameters, the batches of the ten steps (indices of sequences), and how far
                                  float32 is from float64 (largest absolute difference per tensor)
"""
import copy
import string

from reference_common import options, save_json, save_tensors, torch_setup, versions

torch = torch_setup()
from transformers import BertConfig, BertForSequenceClassification

LENGTHS = [7, 1, 12, 5, 33]
LABELS = [2, 0, 1, 0, 2]
CLASS_WEIGHTS = [0.2, 1.0, 3.0]
STEPS = [[0, 1, 2, 3, 4], [0, 1, 2, 3, 4], [4, 2], [1], [3, 0, 1], [2, 4, 0, 1, 3], [3], [0, 1, 2, 3, 4], [2, 1], [4, 0, 3]]


def config(act="gelu"):
    return BertConfig(
        vocab_size=97, hidden_size=40, num_hidden_layers=2, num_attention_heads=5, intermediate_size=72,
        max_position_embeddings=40, type_vocab_size=2, layer_norm_eps=1e-12, hidden_act=act, hidden_dropout_prob=0.0,
        attention_probs_dropout_prob=0.0, classifier_dropout=0.0, num_labels=3,
        id2label={0: "negative", 1: "neutral", 2: "positive"}, label2id={"negative": 0, "neutral": 1, "positive": 2})


def model(act="gelu"):
    cfg = config(act)
    cfg._attn_implementation = "eager"
    net = BertForSequenceClassification(cfg)
    g = torch.Generator().manual_seed(20)
    with torch.no_grad():
        for name, p in sorted(net.named_parameters()):
            p.copy_(torch.randn(p.shape, generator=g) * 0.2)
            if name.endswith("LayerNorm.weight"):
                p.add_(1.0)
    return net.train()


def sequences():
    g = torch.Generator().manual_seed(21)
    ids, types = [], []
    for n in LENGTHS:
        # id 0 is the padding token, whose embedding transformers never trains: it does not occur
        ids.append(torch.randint(5, 97, (n,), generator=g))
        ids[-1][0] = 2
        if n > 1:
            ids[-1][-1] = 3
        cut = (n * 3 + 4) // 5
        types.append((torch.arange(n) >= cut).long())
    ids[4][10] = ids[4][20] = ids[2][5] = ids[0][2]  # the same token several times
    types[1][0] = 1
    return ids, types


IDS, TYPES = sequences()


def batch(rows):
    width = max(LENGTHS[r] for r in rows)
    ids, types, mask = (torch.zeros(len(rows), width, dtype=torch.long) for _ in range(3))
    for i, r in enumerate(rows):
        n = LENGTHS[r]
        ids[i, :n], types[i, :n], mask[i, :n] = IDS[r], TYPES[r], 1
    return dict(input_ids=ids, token_type_ids=types, attention_mask=mask), torch.tensor([LABELS[r] for r in rows])


ALL = list(range(len(LENGTHS)))


def packed(hidden):
    return torch.cat([hidden[i, :n] for i, n in enumerate(LENGTHS)])


def grads(net, skip=()):
    out = {}
    for name, p in net.named_parameters():
        if not name.startswith(tuple(skip) or ("\0",)):
            out["grad." + name] = p.grad if p.grad is not None else torch.zeros_like(p)
    return out


def full(net):
    inputs, labels = batch(ALL)
    net.zero_grad()
    out = net(**inputs, output_hidden_states=True)
    logits = out.logits
    logits.retain_grad()
    loss = torch.nn.functional.cross_entropy(logits, labels)
    loss.backward()
    with torch.no_grad():
        pooled = net.bert(**inputs).pooler_output
    values = {f"hidden.{i}": packed(h) for i, h in enumerate(out.hidden_states)}
    assert len(out.hidden_states) == 3
    values |= {"pooled": pooled, "logits": logits, "logits_grad": logits.grad, "loss": loss.reshape(1)}
    return values | grads(net)


def mean_pooling(net):
    inputs, labels = batch(ALL)
    net.zero_grad()
    hidden = net.bert(**inputs).last_hidden_state
    mask = inputs["attention_mask"].unsqueeze(-1).to(hidden.dtype)
    mean = (hidden * mask).sum(1) / mask.sum(1)
    logits = net.classifier(mean)
    loss = torch.nn.functional.cross_entropy(logits, labels)
    loss.backward()
    return {"mean": mean, "logits": logits, "loss": loss.reshape(1)} | grads(net, skip=["bert.pooler."])


def ten_steps(net):
    no_decay = lambda name: name.endswith(".bias") or "LayerNorm" in name
    groups = [{"params": [p for n, p in net.named_parameters() if not no_decay(n)], "weight_decay": 0.01},
              {"params": [p for n, p in net.named_parameters() if no_decay(n)], "weight_decay": 0.0}]
    optimizer = torch.optim.AdamW(groups, lr=1e-3, betas=(0.9, 0.999), eps=1e-8, foreach=False)
    losses, norms = [], []
    for rows in STEPS:
        inputs, labels = batch(rows)
        optimizer.zero_grad()
        loss = torch.nn.functional.cross_entropy(net(**inputs).logits, labels)
        loss.backward()
        norms.append(torch.nn.utils.clip_grad_norm_(net.parameters(), 1.0, foreach=False))
        optimizer.step()
        losses.append(loss.detach())
    return {"losses": torch.stack(losses), "gradient_norms": torch.stack(norms)} | {
        "after." + n: p for n, p in net.named_parameters()}


def losses(logits):
    labels = torch.tensor(LABELS)
    w = torch.tensor(CLASS_WEIGHTS, dtype=logits.dtype)
    out = {"logits": logits}
    for name, kw in {"smoothing": dict(label_smoothing=0.1), "weights": dict(weight=w),
                     "smoothing_weights": dict(label_smoothing=0.1, weight=w)}.items():
        x = logits.detach().clone().requires_grad_()
        loss = torch.nn.functional.cross_entropy(x, labels, **kw)
        loss.backward()
        out |= {name + ".loss": loss.reshape(1), name + ".logits_grad": x.grad}
    return out


def deviation(a, b):
    return {k: float(f"{(a[k].detach().double() - b[k].detach().double()).abs().max():.2e}") for k in sorted(a)}


def main():
    out = options(__doc__).parse_args().out
    net = model()
    net.save_pretrained(out / "bert-small", safe_serialization=True)
    for extra in (out / "bert-small").glob("generation_config.json"):
        extra.unlink()
    letters, digits = string.ascii_lowercase, string.digits
    vocab = ["[PAD]", "[UNK]", "[CLS]", "[SEP]", "[MASK]", *letters, *("##" + c for c in letters),
             *digits, *("##" + c for c in digits), *".,!?'\"-:;()[]/&%$@#*"]
    assert len(vocab) == len(set(vocab)) == 97
    (out / "bert-small/vocab.txt").write_text("\n".join(vocab) + "\n")

    as32 = full(net)
    reference = full(copy.deepcopy(net).double())
    inputs = {"ids": torch.cat(IDS).int(), "token_types": torch.cat(TYPES).int(),
              "lengths": torch.tensor(LENGTHS).int(), "labels": torch.tensor(LABELS)}
    save_tensors(out / "bert-small.safetensors", inputs | as32)
    save_tensors(out / "bert-small-f64.safetensors", reference)
    differences = {"forward and backward": deviation(as32, reference)}
    save_tensors(out / "bert-small-losses.safetensors", losses(as32["logits"].detach()))
    mean32 = mean_pooling(model())
    save_tensors(out / "bert-small-mean.safetensors", mean32)
    differences["mean pooling"] = deviation(mean32, mean_pooling(model().double()))
    for act in ("gelu_new", "relu"):
        values = full(model(act))
        differences[act] = deviation(values, full(model(act).double()))
        keep = {k: v for k, v in values.items() if k in ("logits", "loss") or k.startswith("grad.")}
        save_tensors(out / f"bert-small-{act}.safetensors", keep)
    steps = ten_steps(model())
    save_tensors(out / "bert-small-steps.safetensors", steps)
    differences["ten steps"] = deviation(steps, ten_steps(model().double()))

    save_json(out / "bert-small.json", {
        "versions": versions("torch", "transformers"),
        "lengths": LENGTHS, "labels": LABELS, "classWeights": CLASS_WEIGHTS, "labelSmoothing": 0.1,
        "steps": {"batches": STEPS, "learningRate": 1e-3, "beta1": 0.9, "beta2": 0.999, "epsilon": 1e-8,
                  "weightDecay": 0.01, "noDecay": "names that end in .bias or contain LayerNorm", "clipNorm": 1.0},
        "note": "The gradient of attention.self.key.bias is zero in exact arithmetic (softmax ignores a shift), so what is "
                "stored for it is rounding noise, and AdamW makes steps of up to the learning rate out of it: compare "
                "after.*.key.bias with a tolerance of 10 steps times the learning rate, or not at all.",
        "float32MinusFloat64": differences,
    })


main()
