"""Token ids, byte offsets and decoded text of SentencePiece-style tokenizers of the Rust tokenizers library.

Command:   python sentencepiece_style.py --data DIR      (about 10 seconds)
Versions:  tokenizers 0.23.3

Small vocabularies are trained on the first product reviews and put into the parts that Llama (byte-pair encoding with byte fallback;
old and new files) and T5 or XLNet (Unigram) have. Hashes and offsets as in wordpiece.py.

Produces
  sentencepiece.json
    tokenizers: [{name, json: tokenizer.json as text, hashes: [of each text], decoded: [FNV-1a 64 of the text without special tokens, null where bytes of
                a part of a character stand alone]}]
    texts:      [base64]
"""
import json
import random

from reference_common import options, read_table, versions
from wordpiece import WORDS, b64, fnv1a, lines_json, texts_hash

from tokenizers import AddedToken, Tokenizer, decoders, models, normalizers, pre_tokenizers, processors, trainers

SPECIAL = ["<unk>", "<s>", "</s>"]
LLAMA_DECODER = decoders.Sequence([decoders.Replace("▁", " "), decoders.ByteFallback(), decoders.Fuse(), decoders.Strip(" ", 1, 0)])


def finish(tokenizer):
    tokenizer.add_special_tokens([AddedToken(t, normalized=False, special=True) for t in SPECIAL])
    tokenizer.add_tokens([AddedToken("SALE", normalized=False, single_word=True)])
    tokenizer.post_processor = processors.TemplateProcessing(single="<s> $A", pair="<s> $A <s>:1 $B:1", special_tokens=[("<s>", 1)])
    return tokenizer


def llama(texts, metaspace, **more):
    trained = Tokenizer(models.BPE())
    trained.pre_tokenizer = pre_tokenizers.Metaspace()
    trained.train_from_iterator(texts, trainers.BpeTrainer(vocab_size=420, show_progress=False))
    model = json.loads(trained.to_str())["model"]
    tokens = SPECIAL + [f"<0x{b:02X}>" for b in range(256)] + [t for t, _ in sorted(model["vocab"].items(), key=lambda x: x[1])]
    merges = [tuple(m) for m in model["merges"]]
    tokenizer = Tokenizer(models.BPE(vocab={t: i for i, t in enumerate(tokens)}, merges=merges, unk_token="<unk>", fuse_unk=True, **more))
    if metaspace:
        tokenizer.pre_tokenizer = pre_tokenizers.Metaspace(prepend_scheme="first", split=False)
    else:
        tokenizer.normalizer = normalizers.Sequence([normalizers.Prepend("▁"), normalizers.Replace(" ", "▁")])
    tokenizer.decoder = LLAMA_DECODER
    return finish(tokenizer)


def unigram(texts, fallback):
    trained = Tokenizer(models.Unigram())
    trained.pre_tokenizer = pre_tokenizers.Metaspace()
    trained.train_from_iterator(texts, trainers.UnigramTrainer(vocab_size=400, special_tokens=SPECIAL, unk_token="<unk>", show_progress=False))
    pieces = [tuple(p) for p in json.loads(trained.to_str())["model"]["vocab"]]
    if fallback:
        pieces += [(f"<0x{b:02X}>", -20.0) for b in range(256)]
    tokenizer = Tokenizer(models.Unigram(pieces, 0, fallback))
    tokenizer.pre_tokenizer = pre_tokenizers.Metaspace(prepend_scheme="always", split=not fallback)
    tokenizer.decoder = LLAMA_DECODER if fallback else decoders.Metaspace()
    return finish(tokenizer)


def main():
    args = options(__doc__, data=True).parse_args()
    header, rows = read_table(args.data / "product-reviews-en" / "train.tsv.gz")
    train = [r[header.index("text")] for r in rows[:300]]
    texts = [t for group in WORDS.values() for t in group if len(t) < 400] + [r[header.index("text")] for r in rows[300:340]]
    texts += ["a<s>b", " <s> x </s>", "<unk>", "SALE", "a SALE b", "SALES", "▁a ▁ b", "a▁b", "<0x41>", "<0x41><0x0A>", "  two  spaces  ", "é" * 30, "中文 é"]
    r = random.Random(4)
    words = [w for t in texts for w in t.split(" ") if len(w) < 30]
    texts += ["".join(r.choice(words) + r.choice(["", " ", "  "]) for _ in range(r.randint(2, 12))) for _ in range(150)]
    out = []
    for name, tokenizer in [("llama", llama(train, False, byte_fallback=True)), ("llama-metaspace", llama(train, True, byte_fallback=True, ignore_merges=True)),
                            ("llama-unknown", llama(train, False)), ("unigram", unigram(train, False)), ("unigram-bytes", unigram(train, True))]:
        decoded = []
        for t in texts:
            text = tokenizer.decode(tokenizer.encode(t).ids)
            decoded.append(None if "\ufffd" in text else text)
        out.append({"name": name, "json": tokenizer.to_str(), "hashes": [f"{texts_hash(tokenizer, [t])[0]:016x}" for t in texts],
                    "decoded": [hash_text(t) if t is not None else None for t in decoded]})
        print(name, sum(d is None for d in decoded), len(texts))
    lines_json(args.out / "sentencepiece.json", {"versions": versions("tokenizers"), "texts": [b64(t.encode()) for t in texts], "tokenizers": out})


def hash_text(text):
    return f"{fnv1a(text.encode()):016x}"


if __name__ == "__main__":
    main()
