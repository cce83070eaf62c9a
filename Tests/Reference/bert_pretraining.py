"""A small random BERT with its pre-training heads: scores, both losses, every gradient on fixed hidden tokens.

Command:   python bert_pretraining.py [--out DIR]
Versions:  torch 2.13.0, transformers 5.23.0 (attn_implementation "eager"), float32 on the CPU

Produces (float32 unless noted; "packed" means the real tokens of all rows one after the other, no padding):
  bert-pretraining/config.json, model.safetensors, vocab.txt   as save_pretrained writes a BertForPreTraining; the 97
                                   tokens of bert-small
  bert-pretraining.safetensors     ids i32 [58] (hidden tokens replaced), token_types i32 [58], lengths i32 [5],
                                   positions i32 [9] in the packed rows, targets i32 [9], pairs i32 [4] rows,
                                   pair_targets i32 [4], scores [9, 97], pair_scores [4, 2], token_loss [1], pair_loss [1],
                                   loss [1] (their sum), grad.<name> of every parameter
"""
import string

from reference_common import options, save_tensors, torch_setup

torch = torch_setup()
from transformers import BertConfig, BertForPreTraining

LENGTHS = [7, 1, 12, 5, 33]
HIDDEN = [(0, 2), (0, 5), (2, 1), (2, 10), (3, 3), (4, 1), (4, 16), (4, 17), (4, 31)]
PAIRS = {0: 0, 2: 1, 3: 1, 4: 0}  # row 1 is one passage: it has no label


def model():
    config = BertConfig(
        vocab_size=97, hidden_size=40, num_hidden_layers=2, num_attention_heads=5, intermediate_size=72,
        max_position_embeddings=40, type_vocab_size=2, layer_norm_eps=1e-12, hidden_act="gelu", hidden_dropout_prob=0.0,
        attention_probs_dropout_prob=0.0)
    config._attn_implementation = "eager"
    net = BertForPreTraining(config)
    g = torch.Generator().manual_seed(30)
    with torch.no_grad():
        for name, p in sorted(net.named_parameters()):
            p.copy_(torch.randn(p.shape, generator=g) * 0.2)
            if name.endswith("LayerNorm.weight"):
                p.add_(1.0)
    return net.train()


def rows():
    g = torch.Generator().manual_seed(31)
    ids = [torch.randint(5, 97, (n,), generator=g) for n in LENGTHS]
    types = [(torch.arange(n) >= (n * 3 + 4) // 5).long() for n in LENGTHS]
    targets = []
    for row, position in HIDDEN:
        targets.append(int(ids[row][position]))
        ids[row][position] = 4  # [MASK]
    ids[4][17] = 50  # one replaced by another token, one left as it is
    ids[4][31] = targets[-1]
    return ids, types, targets


def main():
    out = options(__doc__).parse_args().out
    net = model()
    folder = out / "bert-pretraining"
    net.save_pretrained(folder, safe_serialization=True)
    for extra in folder.glob("generation_config.json"):
        extra.unlink()
    letters, digits = string.ascii_lowercase, string.digits
    vocab = ["[PAD]", "[UNK]", "[CLS]", "[SEP]", "[MASK]", *letters, *("##" + c for c in letters),
             *digits, *("##" + c for c in digits), *".,!?'\"-:;()[]/&%$@#*"]
    (folder / "vocab.txt").write_text("\n".join(vocab) + "\n")

    ids, types, targets = rows()
    width = max(LENGTHS)
    padded, padded_types, mask = (torch.zeros(len(ids), width, dtype=torch.long) for _ in range(3))
    labels = torch.full((len(ids), width), -100)
    for row, n in enumerate(LENGTHS):
        padded[row, :n], padded_types[row, :n], mask[row, :n] = ids[row], types[row], 1
    for (row, position), target in zip(HIDDEN, targets):
        labels[row, position] = target
    next_labels = torch.tensor([PAIRS.get(row, -100) for row in range(len(ids))])
    result = net(input_ids=padded, token_type_ids=padded_types, attention_mask=mask, labels=labels,
                 next_sentence_label=next_labels)
    scores = torch.stack([result.prediction_logits[row, position] for row, position in HIDDEN])
    pair_scores = result.seq_relationship_logits[list(PAIRS)]
    token_loss = torch.nn.functional.cross_entropy(scores, torch.tensor(targets))
    pair_loss = torch.nn.functional.cross_entropy(pair_scores, torch.tensor(list(PAIRS.values())))
    assert torch.allclose(result.loss, token_loss + pair_loss)
    result.loss.backward()
    starts = [sum(LENGTHS[:row]) for row in range(len(ids))]
    int32 = lambda values: torch.tensor(values, dtype=torch.int32)
    save_tensors(out / "bert-pretraining.safetensors", {
        "ids": torch.cat(ids).int(), "token_types": torch.cat(types).int(), "lengths": int32(LENGTHS),
        "positions": int32([starts[row] + position for row, position in HIDDEN]), "targets": int32(targets),
        "pairs": int32(list(PAIRS)), "pair_targets": int32(list(PAIRS.values())),
        "scores": scores, "pair_scores": pair_scores, "token_loss": token_loss.reshape(1),
        "pair_loss": pair_loss.reshape(1), "loss": result.loss.reshape(1),
    } | {"grad." + name: p.grad for name, p in net.named_parameters()})


main()
