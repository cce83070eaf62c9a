"""BLEU and chrF of sacreBLEU on small hypotheses with one and several references, in English and Chinese.

Command:   python text_scores.py [--out DIR]
Versions:  sacrebleu 2.6.0 (pip install sacrebleu)

Produces text-scores.json:
  tokenizations: {13a, zh, char: [n] the tokens of `lines` joined by spaces}, lines [n]
  bleu: cases {name, hypotheses [n], references [n][r], tokenize, lowercase, smoothing, effectiveOrder, order, value, precisions,
    brevityPenalty, hypothesisLength, referenceLength, signature, text}
  chrf: cases {name, hypotheses, references, wordOrder, lowercase, beta, value, signature}
"""
import random

import sacrebleu
from reference_common import options, save_json, versions
from sacrebleu.metrics import BLEU, CHRF
from sacrebleu.metrics.bleu import _get_tokenizer

LINES = [
    "", " ", "Hello, world!", "It's 3.14 or 1,000; not 1, 2. 3", "e.g. a-b 5-6 7- -8", "&quot;Tom &amp; Jerry&quot; &lt;b&gt;",
    "<skipped>gone", "line-\nbroken\nhere", "tabs\tand\u00a0nbsp\u3000wide", "$5.00, 20% off... #1 @home ~x~ {y} [z] `q` ^w^ a_b",
    "don't \u2019quote\u2019 \u2014 dash \u2026 \u20ac9", "价格是3.50元，真的吗？", "我用iPhone 15打电话。", "半角ｶﾅ、全角ＡＢＣ！", "㐀䶵𠀀 龥龦", "₂ √ ∞ ☃ ✓ ⼀ ⺀",
    "Über straße ÀÉ", "..,,..", "1.2.3,4,", ",5 .5 5. 5,", "\u0085x\u001cy\u2028z", "end of line \n", "👩‍👩‍👧 family 😀", "a/b:c;d<e>f=g?h@i", "--- - --",
]


def main():
    out = options(__doc__).parse_args().out
    rng = random.Random(5)
    english = ["the cheap restaurant near the river serves french food .", "Alimentum is a family friendly place, with a price range of £20-25.",
               "there is a 5-star pub called Blue Spice in the city centre", "It costs $1,000.50 (really!)", "a", "the the the the the"]
    chinese = ["他在花园里。", "我不知道你在说什么！", "今天天气很好，我们去公园吧。", "价格是3.50元，真的吗？", "是"]

    def noisy(s, unit):
        parts = list(s) if unit == "char" else s.split(" ")
        parts = [p for p in parts if rng.random() > 0.15] or parts[:1]
        if len(parts) > 3 and rng.random() < 0.5:
            i = rng.randrange(len(parts) - 1)
            parts[i], parts[i + 1] = parts[i + 1], parts[i]
        return ("" if unit == "char" else " ").join(parts)

    corpora = {
        "english-1": (english, [[noisy(s, "word")] for s in english]),
        "english-3": ([noisy(s, "word") for s in english], [[s, noisy(s, "word"), s + " indeed"] for s in english]),
        "english-varying": ([noisy(s, "word") for s in english], [[s] + [noisy(s, "word")] * (i % 3) for i, s in enumerate(english)]),
        "chinese-2": ([noisy(s, "char") for s in chinese], [[s, noisy(s, "char")] for s in chinese]),
        "perfect": (english, [[s] for s in english]),
        "disjoint": (["xx yy zz", "q"], [["aa bb cc"], ["r"]]),
        "short": (["the cat"], [["the cat sat"]]),
        "empty": (["", "the cat sat on the mat"], [["the dog"], ["the cat sat on a mat"]]),
        "lines": (LINES[2:], [[noisy(s, "char") or "x"] for s in LINES[2:]]),
    }
    bleu, chrf = [], []
    for name, (hyps, refs) in corpora.items():
        width = max(len(r) for r in refs)
        # None marks a reference that a segment does not have.
        streams = [[r[i] if i < len(r) else None for r in refs] for i in range(width)]
        for tok, lower, smooth, eff, order in [("13a", False, "exp", False, 4), ("zh", False, "exp", False, 4), ("char", False, "exp", False, 4),
                                               ("13a", True, "floor", False, 4), ("13a", False, "add-k", True, 4), ("13a", False, "none", False, 2)]:
            m = BLEU(tokenize=tok, lowercase=lower, smooth_method=smooth, effective_order=eff, max_ngram_order=order, force=True)
            s = m.corpus_score(hyps, streams)
            bleu.append(dict(name=name, hypotheses=hyps, references=refs, tokenize=tok, lowercase=lower, smoothing=smooth, effectiveOrder=eff,
                             order=order, value=s.score, precisions=s.precisions, brevityPenalty=s.bp, hypothesisLength=s.sys_len,
                             referenceLength=s.ref_len, signature=str(m.get_signature()), text=str(s)))
        for words, lower, beta in [(0, False, 2), (2, False, 2), (0, True, 1)]:
            m = CHRF(word_order=words, lowercase=lower, beta=beta)
            s = m.corpus_score(hyps, streams)
            chrf.append(dict(name=name, hypotheses=hyps, references=refs, wordOrder=words, lowercase=lower, beta=beta, value=s.score,
                             signature=str(m.get_signature())))
    tokens = {t: [_get_tokenizer(t)()(line.rstrip()) for line in LINES] for t in ["13a", "zh", "char"]}
    save_json(out / "text-scores.json", dict(versions=versions("sacrebleu"), lines=LINES, tokenizations=tokens, bleu=bleu, chrf=chrf))


if __name__ == "__main__":
    main()
