"""Byte-level BPE ids and byte offsets of the Rust tokenizers library with GPT-2's vocabulary.

Command:   python byte_level_bpe.py --data DIR [--only gpt2|training]      (about 2 minutes)
           python byte_level_bpe.py --load DIR < TEXTS      prints the ids that the library gives each line with DIR/tokenizer.json
Versions:  tokenizers 0.23.3

Texts, hashes and offsets as in wordpiece.py; the texts of "hard" are those of `single` in wordpiece-hard.json, by their index, null
where they are not UTF-8.

Produces
  bpe-gpt2.json
    hard:       [hash of the text's ids and offsets]
    first:      [ids] of the first 60 of them
    roberta:    [hash], with add_prefix_space, trimmed offsets and <s> </s> around the text
    pairs, truncated: as in wordpiece-hard.json, with roberta's tokenizer
    scalars:    {step 4096, patterns, first, hashes}: texts of all scalars from `first` on, each in the pattern in place of "*"
    decoded:    [{ids, text, whole}]: random ids, their text without and with special tokens
    columns:    [{set, file, column, rows, tokens, hash}] over every text column of the data sets, in file order
    json:       tokenizer.json that the library writes for `vocab` and `merges`, and a few texts' ids
  bpe-training.json
    runs:       [{texts or set, file, column; vocabularySize, minimumFrequency, tokens, merges}]: the trained vocabulary in the order
                of its ids and the merges, or for a data set their FNV-1a 64 hashes (each string followed by a line feed)
    wordpiece:  the same for WordPiece. The library numbers the letters that continue a word in the order of a hash table, anew in each
                run; here they are given to it as special tokens in sorted order, which makes the run repeatable.
"""
import argparse
import json
import random
import sys

from reference_common import FIXTURES, read_table, versions
from wordpiece import COLUMNS, INVALID, PAIRS, TRUNCATE, WORDS, b64, fnv1a, lines_json, mixtures, pair, texts_hash

import gzip
import pathlib

from tokenizers import Tokenizer, decoders, models, normalizers, pre_tokenizers, processors, trainers

PATTERNS = ["*", "a*b", "1*2", " *'s", "\n* *"]
END = "<|endoftext|>"


def byte_level(vocab, merges, prefix_space=False):
    tokenizer = Tokenizer(models.BPE(vocab=vocab, merges=merges))
    tokenizer.pre_tokenizer = pre_tokenizers.ByteLevel(add_prefix_space=prefix_space)
    tokenizer.post_processor = processors.ByteLevel(trim_offsets=False, add_prefix_space=False)
    tokenizer.decoder = decoders.ByteLevel(add_prefix_space=False, trim_offsets=False)
    return tokenizer


def gpt2(data, prefix_space=False):
    folder = data / "gpt2-bpe"
    vocab = json.loads(gzip.open(folder / "encoder.json.gz").read())
    lines = gzip.open(folder / "vocab.bpe.gz").read().decode().split("\n")
    tokenizer = byte_level(vocab, [tuple(x.split(" ")) for x in lines[1:] if x], prefix_space)
    tokenizer.add_special_tokens([END])
    return tokenizer


def roberta(data):
    tokenizer = gpt2(data, prefix_space=True)
    tokenizer.add_special_tokens(["<s>", "</s>"])
    tokenizer.post_processor = processors.RobertaProcessing(("</s>", 50258), ("<s>", 50257), True, True)
    return tokenizer


def hard_texts():
    return [t.encode("utf-8") for group in WORDS.values() for t in group] + INVALID + mixtures()


def valid(data):
    try:
        return data.decode("utf-8")
    except UnicodeDecodeError:
        return None


def hashes(tokenizer):
    return [None if t is None else f"{texts_hash(tokenizer, [t])[0]:016x}" for t in map(valid, hard_texts())]


def scalars(tokenizer):
    firsts, found = [], {p: [] for p in PATTERNS}
    for first in list(range(0, 0x40000, 4096)) + [0xE0000, 0xF0000, 0x10F000]:
        if 0xD800 <= first < 0xE000:
            continue
        firsts.append(first)
        for p in PATTERNS:
            text = "".join(p.replace("*", chr(c)) for c in range(first, first + 4096) if not 0xD800 <= c < 0xE000)
            found[p].append(f"{texts_hash(tokenizer, [text])[0]:016x}")
    return {"step": 4096, "patterns": PATTERNS, "first": firsts, "hashes": found}


def decoded(tokenizer):
    r, out = random.Random(3), []
    for n in range(150):
        ids = [r.choice([r.randrange(256), r.randrange(50257), r.randrange(50257), 50256 if n % 7 == 0 else r.randrange(1000)]) for _ in range(r.randint(0, 9))]
        out.append({"ids": ids, "text": tokenizer.decode(ids), "whole": tokenizer.decode(ids, skip_special_tokens=False)})
    return out


def columns(tokenizer, data):
    found = []
    for name, files in COLUMNS.items():
        for file, wanted in files.items():
            header, rows = read_table(data / name / file)
            for column in wanted:
                at = header.index(column)
                h, tokens = texts_hash(tokenizer, [r[at] for r in rows])
                found.append({"set": name, "file": file, "column": column, "rows": len(rows), "tokens": tokens, "hash": f"{h:016x}"})
    return found


def small_file():
    alphabet = sorted(pre_tokenizers.ByteLevel.alphabet())
    merges = [("t", "h"), ("th", "e"), ("Ġ", "the"), ("Ã", "©")]
    vocab = {t: i for i, t in enumerate(alphabet + [a + b for a, b in merges])}
    tokenizer = byte_level(vocab, merges)
    tokenizer.add_special_tokens([END])
    texts = ["the the café", "them  \n other" + END + "!", ""]
    return {"vocab": json.dumps(vocab), "merges": "#version: 0.2\n" + "".join(f"{a} {b}\n" for a, b in merges), "json": tokenizer.to_str(),
            "texts": texts, "ids": [tokenizer.encode(t).ids for t in texts]}


def write_gpt2(data, out):
    tokenizer, other = gpt2(data), roberta(data)
    truncated = []
    for a, b, limits in TRUNCATE:
        for limit in limits:
            if limit < 5 and b is not None:
                continue  # no room for the text beside four special tokens
            other.enable_truncation(limit, strategy="longest_first")
            truncated.append(pair(other, a, b, maxLength=limit))
    other.no_truncation()
    texts = [t.decode() for t in hard_texts()[:60]]
    lines_json(out / "bpe-gpt2.json", {
        "versions": versions("tokenizers"), "hard": hashes(tokenizer), "first": [tokenizer.encode(t).ids for t in texts],
        "roberta": hashes(other), "pairs": [pair(other, a, b) for a, b in PAIRS], "truncated": truncated,
        "scalars": scalars(tokenizer), "decoded": decoded(tokenizer), "columns": columns(tokenizer, data), "small": small_file()})


# ---------------------------------------------------------------- training
def strings_hash(strings):
    return f"{fnv1a(''.join(s + chr(10) for s in strings).encode('utf-8')):016x}"


def learned(tokenizer):
    model = json.loads(tokenizer.to_str())["model"]
    tokens = [t for t, _ in sorted(model["vocab"].items(), key=lambda x: x[1])]
    return tokens, [" ".join(m) for m in model.get("merges", [])]


def train_bytes(texts, size, frequency, special):
    tokenizer = byte_level(None, None)
    trainer = trainers.BpeTrainer(vocab_size=size, min_frequency=frequency, special_tokens=special, show_progress=False,
                                  initial_alphabet=pre_tokenizers.ByteLevel.alphabet())
    tokenizer.train_from_iterator(texts, trainer)
    return learned(tokenizer)


def train_wordpiece(texts, size, frequency):
    normalizer, split = normalizers.BertNormalizer(), pre_tokenizers.BertPreTokenizer()
    words = [w for t in texts for w, _ in split.pre_tokenize_str(normalizer.normalize_str(t))]
    letters = sorted({c for w in words for c in w})
    continuing = sorted({c for w in words for c in w[1:]})
    tokenizer = Tokenizer(models.WordPiece(unk_token="[UNK]"))
    tokenizer.normalizer, tokenizer.pre_tokenizer = normalizer, split
    special = ["[PAD]", "[UNK]", "[CLS]", "[SEP]", "[MASK]"] + letters + ["##" + c for c in continuing]
    trainer = trainers.WordPieceTrainer(vocab_size=size, min_frequency=frequency, special_tokens=special, show_progress=False)
    tokenizer.train_from_iterator(texts, trainer)
    return learned(tokenizer)


def write_training(data, out):
    hard = [t for group in WORDS.values() for t in group if len(t) < 200]
    r = random.Random(8)
    syllables = ["ab", "ba", "abc", "c", "ca", "bb", "a", "cab"]
    random_texts = [" ".join("".join(r.choice(syllables) for _ in range(r.randint(1, 6))) for _ in range(30)) for _ in range(40)]
    runs, pieces = [], []

    def check(train, *arguments):
        first, second = train(*arguments), train(*arguments)
        print("the same twice:", first == second, flush=True)
        return first
    for texts, size, frequency, special in [
            (hard, 600, 2, [END]), (random_texts, 330, 0, []), (random_texts, 500, 3, ["<pad>", END]), (["aaaaaaaa aaaa aa", "abababab"], 300, 1, [])]:
        tokens, merges = check(train_bytes, texts, size, frequency, special)
        runs.append({"texts": texts if texts is not hard else None, "vocabularySize": size, "minimumFrequency": frequency,
                     "special": special, "tokens": tokens, "merges": merges})
    for name, column, size in [("product-reviews-en", "text", 8000), ("reviews-zh", "text", 4000), ("tatoeba-eng-cmn", "eng", 3000)]:
        header, rows = read_table(data / name / "train.tsv.gz")
        texts = [row[header.index(column)] for row in rows]
        tokens, merges = check(train_bytes, texts, size, 2, [END])
        runs.append({"set": name, "file": "train.tsv.gz", "column": column, "vocabularySize": size, "minimumFrequency": 2, "special": [END],
                     "tokens": strings_hash(tokens), "merges": strings_hash(merges), "count": len(merges)})
        pieces_size = size + 2000  # room for all Chinese characters twice
        tokens, _ = check(train_wordpiece, texts, pieces_size, 2)
        pieces.append({"set": name, "file": "train.tsv.gz", "column": column, "vocabularySize": pieces_size, "minimumFrequency": 2,
                       "tokens": strings_hash(tokens), "count": len(tokens)})
    tokens, _ = check(train_wordpiece, random_texts, 120, 1)
    pieces.append({"texts": random_texts, "vocabularySize": 120, "minimumFrequency": 1, "tokens": tokens})
    lines_json(out / "bpe-training.json", {"versions": versions("tokenizers"), "hard": [b64(t.encode()) for t in hard], "runs": runs, "wordpiece": pieces})


def main():
    ap = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    ap.add_argument("--data", type=pathlib.Path)
    ap.add_argument("--out", type=pathlib.Path, default=FIXTURES)
    ap.add_argument("--only", choices=["gpt2", "training"])
    ap.add_argument("--load", type=pathlib.Path)
    args = ap.parse_args()
    if args.load:
        tokenizer = Tokenizer.from_file(str(args.load / "tokenizer.json"))
        for line in sys.stdin:
            print(*tokenizer.encode(line.rstrip("\n")).ids)
        return
    if args.only in (None, "gpt2"):
        write_gpt2(args.data, args.out)
    if args.only in (None, "training"):
        write_training(args.data, args.out)


if __name__ == "__main__":
    main()
