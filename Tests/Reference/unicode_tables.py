"""Writes Sources/MarketingML/Text/UnicodeTables.swift: what the reference tokenizer takes each scalar for.

    python Tests/Reference/unicode_tables.py > Sources/MarketingML/Text/UnicodeTables.swift

The reference (Rust `tokenizers`) mixes crates that follow different Unicode versions, so no one version of the
standard gives its tables. They are asked from the library itself, scalar by scalar: the tables are its behaviour by
construction. Only the numbers of the combining classes come from Python's unicodedata; which scalars the reference
reorders at all is asked as well, and the order is checked on every pair (scalar, class)."""
import unicodedata

import tokenizers
from tokenizers import AddedToken, Tokenizer, models, normalizers, pre_tokenizers

SCALARS = [c for c in range(0x110000) if not 0xD800 <= c <= 0xDFFF]


def bert(**on):
    options = dict(clean_text=False, handle_chinese_chars=False, strip_accents=False, lowercase=False)
    return normalizers.BertNormalizer(**(options | on)).normalize_str


def sets():
    clean, strip, split = bert(clean_text=True), bert(strip_accents=True), pre_tokenizers.BertPreTokenizer()
    nfd = normalizers.NFD().normalize_str
    control, space, punctuation, mark = [], [], [], []
    for c in SCALARS:
        text = f"a{chr(c)}b"
        if clean(text) == "ab":
            control.append(c)
        if nfd(chr(c)) == chr(c) and strip(text) == "ab":
            mark.append(c)
        pieces = len(split.pre_tokenize_str(text))
        if pieces == 3:
            punctuation.append(c)
        elif pieces == 2:
            space.append(c)
        cleaned = clean(text)[1:-1]
        assert cleaned == ("" if c in control[-1:] else " " if c in space[-1:] else chr(c)), hex(c)
    return control, space, punctuation, mark


def word_characters():
    """What keeps an added token with `single_word` from matching next to it."""
    tokenizer = Tokenizer(models.WordPiece({"[UNK]": 0}, unk_token="[UNK]"))
    tokenizer.add_tokens([AddedToken("@@", single_word=True, normalized=False)])
    before = [c for c in SCALARS if 1 not in tokenizer.encode(chr(c) + "@@").ids]
    after = [c for c in SCALARS if 1 not in tokenizer.encode("@@" + chr(c)).ids]
    assert before == after
    return before


def pattern_classes():
    """The letters and numbers of GPT-2's pattern; its white space is that between words."""
    pieces = pre_tokenizers.ByteLevel(add_prefix_space=False).pre_tokenize_str
    letters = [c for c in SCALARS if len(pieces(f"a{chr(c)}a")) == 1]
    numbers = [c for c in SCALARS if len(pieces(f"1{chr(c)}1")) == 1]
    others = [c for c in SCALARS if len(pieces(f"!{chr(c)}!")) == 1]
    assert not set(letters) & set(numbers) and not set(others) & set(letters + numbers)
    return letters, numbers, sorted(set(SCALARS) - set(letters + numbers + others))


def maps():
    nfd, lower = normalizers.NFD().normalize_str, normalizers.Lowercase().normalize_str
    hangul = range(0xAC00, 0xD7A4)  # decomposed by arithmetic
    decomposition = {c: nfd(chr(c)) for c in SCALARS if c not in hangul and nfd(chr(c)) != chr(c)}
    lowercase = {c: lower(chr(c)) for c in SCALARS if lower(chr(c)) != chr(c)}
    for c in hangul:
        index = c - 0xAC00
        jamo = [0x1100 + index // 588, 0x1161 + index % 588 // 28, 0x11A7 + index % 28]
        assert nfd(chr(c)) == "".join(map(chr, jamo if index % 28 else jamo[:2]))
    return decomposition, lowercase


def classes(decomposition):
    nfd = normalizers.NFD().normalize_str
    # A scalar has a class if it moves in front of a later class or lets an earlier one move in front of it.
    first, last = "\u0345", "\u0334"  # the greatest class, 240, and the smallest, 1
    found = {c: unicodedata.combining(chr(c)) for c in SCALARS if c not in decomposition
             and (nfd("a" + first + chr(c))[1] == chr(c) or nfd("a" + chr(c) + last)[1] == last)}
    found |= {ord(c): unicodedata.combining(c) for c in (first, last)}
    example = {k: chr(c) for c, k in sorted(found.items(), reverse=True)}
    for c, k in found.items():
        assert k > 0, hex(c)
        for other, mark in example.items():
            text = "a" + mark + chr(c)
            assert nfd(text) == ("a" + chr(c) + mark if k < other else text), (hex(c), k, other)
    return found


def runs(pairs):
    """[(key, value)] as (first, last, step, value of the first); value - key (or the value) is constant in a run."""
    out = []
    for key, value, constant in pairs:
        if out:
            run = out[-1]
            gap = key - run[1]
            if run[4] == constant and gap in (1, 2) and (run[0] == run[1] or run[2] == gap):
                run[1], run[2] = key, gap
                continue
        out.append([key, key, 1, value, constant])
    return out


def item(first, last, step, value):
    text = f"{first:x}"
    if first != last:
        text += f"-{last:x}"
    if step > 1:
        text += f"/{step}"
    return text + ("" if value is None else "=" + value)


def literal(name, comment, items):
    lines, line = [], " " * 7
    for text in items:
        if len(line) + 1 + len(text) > 108:
            lines.append(line)
            line = " " * 7
        line += " " + text
    lines.append(line)
    body = "\n".join(lines)
    print(f'\n    /// {comment}\n    static let {name} = """\n{body}\n        """')


def set_items(scalars):
    # Steps would save little in a set and cost clarity: plain ranges only.
    out = []
    for c in scalars:
        if out and out[-1][1] == c - 1:
            out[-1][1] = c
        else:
            out.append([c, c])
    return [item(a, b, 1, None) for a, b in out]


def main():
    control, space, punctuation, mark = sets()
    decomposition, lowercase = maps()
    combining = classes(decomposition)
    letters, numbers, pattern_space = pattern_classes()
    assert pattern_space == space
    version = tokenizers.__version__
    print(f"""// Generated by Tests/Reference/unicode_tables.py from the behaviour of `tokenizers` {version}; do not edit.

/// Unicode as the reference tokenizer sees it, in text that `UnicodeProperties` unpacks at the first use.
///
/// An item is `first`, `first-last` or `first-last/step` in hexadecimal (the step in decimal), with `=value` where the
/// table is a map.
enum UnicodeTables {{""")
    literal("control", "Removed by `clean_text`.", set_items(control))
    literal("whitespace", "White space: between words.", set_items(space))
    literal("punctuation", "A word by itself.", set_items(punctuation))
    literal("marks", "Non-spacing marks: removed by `strip_accents`.", set_items(mark))
    literal("wordCharacters", "What `\\w` of a regular expression matches.", set_items(word_characters()))
    literal("letters", "What `\\p{L}` of a regular expression matches.", set_items(letters))
    literal("numbers", "What `\\p{N}` of a regular expression matches.", set_items(numbers))
    literal("combiningClasses", "Canonical combining classes other than 0, in decimal.", [
        item(a, b, s, f"{v}") for a, b, s, v, _ in runs((c, k, k) for c, k in sorted(combining.items()))])
    simple = [(c, ord(v), ord(v) - c) for c, v in lowercase.items() if len(v) == 1]
    literal("lowercase", "Lower case; the value is that of the first, the others are as far away.", [
        item(a, b, s, f"{v:x}") for a, b, s, v, _ in runs(simple)]
        + [item(c, c, 1, ".".join(f"{ord(x):x}" for x in v)) for c, v in lowercase.items() if len(v) > 1])
    literal("decompositions", "Full canonical decompositions, but for Hangul syllables.", [
        item(c, c, 1, ".".join(f"{ord(x):x}" for x in v)) for c, v in decomposition.items()])
    print("}")


main()
