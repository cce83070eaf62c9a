"""all-MiniLM-L6-v2: hidden states, pooled outputs and sentence embeddings of a few texts.

Command:   python minilm.py --minilm DIR
Versions:  torch 2.13.0, transformers 5.23.0 (BertModel, attn_implementation "eager"), tokenizers 0.23.3; float32, one text at a time

Produces
  minilm-hidden.safetensors ("packed": real tokens of all texts one after the other, no padding)
    ids i32 [T], token_types i32 [T], lengths i32 [N]   with [CLS] and [SEP]; the last text is a pair
    hidden f32 [T, 384]       last layer
    pooled f32 [N, 384]       the checkpoint's pooler (dense + tanh on the first token)
    embeddings f32 [N, 384]   mean over all tokens ([CLS] and [SEP] included), then divided by its L2 norm
    cosines f32 [4]           of text 0 with texts 1 to 4
    long.ids i32 [512], long.rows i32 [8] (0, 64, ... 448), long.hidden f32 [8, 384] (these rows of the last layer),
    long.pooled f32 [384], long.embedding f32 [384]     one input of the full 512 tokens, token types all 0
  minilm-hidden.json          texts (the pair as a list of two), cosines, tokens of the first text, and how far float32 is
                              from a float64 run (largest absolute difference)
"""
from reference_common import options, save_json, save_tensors, torch_setup, versions

torch = torch_setup()
from tokenizers import Tokenizer
from transformers import BertModel

TEXTS = [
    "A man is eating pasta.", "A man is eating food.", "A man is eating a piece of bread.", "A man is riding a horse.", "The girl is carrying a baby.",
    "Hello world!", "",
    "I ordered two of these for my sister's café in São Paulo: the first arrived broken, the replacement took three weeks, "
    "and customer service (tel. +49 30 1234567) still hasn't answered. Would I buy again? Probably not... 👎 但是价格便宜。",
    ("Does the battery last a whole day?", "Yes, the 5,000 mAh battery easily lasts a day and a half of normal use."),
]


def forward(net, ids, types):
    with torch.inference_mode():
        out = net(input_ids=torch.tensor([ids]), token_type_ids=torch.tensor([types]), attention_mask=torch.ones(1, len(ids), dtype=torch.long))
        hidden, pooled = out.last_hidden_state[0], out.pooler_output[0]
        return hidden, pooled, torch.nn.functional.normalize(hidden.mean(0), dim=0)


def everything(net, encodings, long_ids):
    parts = [forward(net, e.ids, e.type_ids) for e in encodings]
    out = {"hidden": torch.cat([p[0] for p in parts]), "pooled": torch.stack([p[1] for p in parts]),
           "embeddings": torch.stack([p[2] for p in parts])}
    out["cosines"] = out["embeddings"][1:5] @ out["embeddings"][0]
    hidden, pooled, embedding = forward(net, long_ids, [0] * 512)
    return out | {"long.hidden": hidden[::64], "long.pooled": pooled, "long.embedding": embedding}


def main():
    args = options(__doc__, minilm=True).parse_args()
    tokenizer = Tokenizer.from_file(str(args.minilm / "tokenizer.json"))
    tokenizer.no_truncation()
    tokenizer.no_padding()
    encodings = [tokenizer.encode(*t) if isinstance(t, tuple) else tokenizer.encode(t) for t in TEXTS]
    g = torch.Generator().manual_seed(512)
    long_ids = [101, *torch.randint(1000, 30000, (510,), generator=g).tolist(), 102]
    net, info = BertModel.from_pretrained(args.minilm, attn_implementation="eager", output_loading_info=True)
    assert not info["missing_keys"] and net.dtype == torch.float32
    net.eval()
    values = everything(net, encodings, long_ids)
    exact = everything(net.double(), encodings, long_ids)
    inputs = {"ids": sum((e.ids for e in encodings), []), "token_types": sum((e.type_ids for e in encodings), []),
              "lengths": [len(e.ids) for e in encodings], "long.ids": long_ids, "long.rows": list(range(0, 512, 64))}
    save_tensors(args.out / "minilm-hidden.safetensors", values | {k: torch.tensor(v, dtype=torch.int32) for k, v in inputs.items()})
    save_json(args.out / "minilm-hidden.json", {
        "versions": versions("torch", "transformers", "tokenizers"), "texts": TEXTS, "firstTokens": encodings[0].tokens,
        "lengths": inputs["lengths"], "cosines": [round(float(c), 6) for c in exact["cosines"]],
        "float32MinusFloat64": {k: float(f"{(values[k].double() - exact[k]).abs().max():.2e}") for k in sorted(exact)}})


main()
