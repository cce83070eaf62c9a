"""WordPiece token ids and byte offsets of the Rust tokenizers library with the MiniLM (BERT uncased) tokenizer.json.

Command:   python wordpiece.py --minilm DIR --data DIR [--only hard|classes|corpora]      (about 1 minute)
Versions:  tokenizers 0.23.3

Every encoding has no padding, no truncation (where it is not the point) and [CLS] / [SEP] added with offsets (0, 0).
Offsets are [start, end) BYTES of the original input. Input that is not UTF-8 counts as if one U+FFFD stood for every maximal
ill-formed part (what Python's errors="replace" does); offsets still refer to the original bytes.

FNV-1a 64 hash of a list of texts: for each text for each token (special ones too) little-endian u32 id, u32 start, u32 end;
after each text the u32 0xFFFFFFFF. Start 0xcbf29ce484222325, prime 0x100000001b3; written as 16 hex digits.

Produces
  wordpiece-hard.json
    single:     [{text, ids, offsets}]: text is base64 of the raw bytes, offsets is flat [start0, end0, start1, end1, ...]
    pairs:      [{a, b, ids, types, offsets}]: offsets of a's tokens refer to a, of b's tokens to b (type 1)
    truncated:  [{a, b or null, maxLength, ids, types, offsets}], strategy longest_first, right side cut
    scalars:    {chunkSize 256, perText 64, patterns, first: [first scalar of each chunk], hashes: {pattern: [hash of each chunk]}}.
                A chunk is four texts; a text joins 64 successive scalars (surrogates left out), each put into the pattern in
                place of "*", with one space between. Patterns: "*", "a*b", "a*<U+0301>b", "*<U+0323><U+0301>x".
                All scalars of planes 0-3 and 14 and the first and last 256 of the others.
  wordpiece-classes.json   what the library's tables say about each scalar, probed one at a time (for finding the cause of a mismatch)
    removed, space        taken out by, or turned into U+0020 by, the clean-up of the text
    cjk                   put between spaces
    marks                 taken out after canonical decomposition (a scalar that is itself such a mark)
    whitespace, punctuation   where the pre-tokeniser splits (the former is dropped, the latter a word of its own)
                          each a flat list of inclusive ranges [first0, last0, first1, last1, ...]
    decomposition, lowercase  [[scalar, [scalars]]] of those that change, without the Hangul syllables (arithmetic)
  wordpiece-corpora.json
    columns:    [{set, file, column, rows, tokens, hash}] over every text column of the data sets, in file order
"""
import base64
import codecs
import random
import struct
import time

from reference_common import options, read_table, save_json, versions

from tokenizers import Tokenizer, normalizers, pre_tokenizers

COLUMNS = {
    "banking77": {"train.tsv.gz": ["text"], "test.tsv.gz": ["text"]},
    "clinc150": {f"{p}.tsv.gz": ["text"] for p in ("train", "dev", "test")},
    "clothing-reviews": {f"{p}.tsv.gz": ["title", "text"] for p in ("train", "dev", "test")},
    "customer-service-intents": {f"{p}.tsv.gz": ["text"] for p in ("train", "dev", "test")},
    "e2e-restaurants": {f"{p}.tsv.gz": ["mr", "text"] for p in ("train", "dev", "test")},
    "ml-latest-small": {"movies.csv.gz": ["title", "genres"]},
    "product-qa": {
        **{f"answer-{p}.tsv.gz": ["question", "evidence", "answer"] for p in ("train", "dev", "test")},
        **{f"attribute-to-text-{p}.tsv.gz": ["attributes", "text"] for p in ("train", "dev", "test-seen", "test-unseen")},
        "evidence-ranking-epqa-dev.tsv.gz": ["title", "question", "candidate", "answer"],
        **{f"ranking-{p}.tsv.gz": ["question", "candidate"] for p in ("dev", "test-seen", "test-unseen")}},
    "product-reviews-en": {f"{p}.tsv.gz": ["text"] for p in ("train", "dev", "test")},
    "reviews-zh": {f"{p}.tsv.gz": ["text"] for p in ("train", "dev", "test")},
    "sentences-en": {f"{p}.tsv.gz": ["text"] for p in ("train", "dev", "test")},
    "sms-spam": {f"{p}.tsv.gz": ["text"] for p in ("train", "dev", "test")},
    "tatoeba-eng-cmn": {f"{p}.tsv.gz": ["eng", "cmn", "attribution"] for p in ("train", "dev", "test")},
}

WORDS = {
    "plain": ["", " ", "   ", "a", "Hello world!", " Hello  WORLD ", "The quick brown fox jumps over the lazy dog.",
              "unaffable tokenization embeddings internationalization", "don't can't we'll I'm o'clock rock'n'roll"],
    "emoji": ["😀", "I 😀 it", "a😀b", "👨‍👩‍👧‍👦", "👩🏽‍💻 codes", "👍🏿", "🇩🇪🇫🇷 flags", "🏴󠁧󠁢󠁥󠁮󠁧󠁿", "❤️ vs ❤", "☺︎ ☺️", "1️⃣ #️⃣", "🫠🪿🫨"],
    "accents": ["café", "cafe\u0301", "naïve façade", "nai\u0308ve fac\u0327ade", "ÀÉÎÕÜ", "A\u0300E\u0301I\u0302O\u0303U\u0308",
                "Ångström A\u030angstro\u0308m \u212bngstr\u00f6m", "e\u0301\u0323 e\u0323\u0301 ẹ\u0301 é\u0323", "\u0301abc", "a \u0301 b",
                "Zalgo: z\u0337\u0321\u0300\u0301\u0302a\u0334\u0358\u0344l\u0336g\u0335o\u0338\u0345", "ñ n\u0303 Ñ N\u0303", "ǖ ǘ ǚ ǜ",
                "o\u031b\u0323 ợ ơ\u0323", "\u0958 \u09dc \ufb1d \u2adc", "\u0344 \u0340 \u0341 \u0374 \u037e \u0387"],
    "kana": ["が", "か\u3099", "がぎぐげご", "か\u3099き\u3099く\u3099", "ば ぱ は\u3099 は\u309a", "ガ", "カ\u3099", "ﾊﾟﾊﾞｶﾞ", "ｶﾀｶﾅ", "コンピューター", "ｺﾝﾋﾟｭｰﾀｰ",
             "私は東京に住んでいます。", "ヴ ゔ ヺ ゞ ヾ", "゛゜ \u3099 \u309a", "ー〜・「」『』【】"],
    "hangul": ["한국어", "한", "\u1112\u1161\u11ab", "가각힣", "\u1100\u1161 \u1100\u1161\u11a8", "ㄱㄴㄷ ㅏㅑ", "ﾡﾢﾣ", "각a각 안녕하세요!", "\u1161\u11a8", "가\u11a8 각"],
    "greek": ["Σίσυφος ΣΊΣΥΦΟΣ", "ΟΔΟΣ ΟΔΥΣΣΕΥΣ ς σ Σ", "άέήίόύώ ΆΈΉΊΌΎΏ", "ΐ ΰ ϊ ϋ Ϊ Ϋ", "ᾳ ᾼ ᾷ ῼ ᾈ ᾮ", "ἄνθρωπος ᾽ ῾ ΅", "\u03b1\u0345 \u1fb3", "µ μ ϐ ϑ ϕ ϖ Ω Ω K Å"],
    "cyrillic": ["йод ёж", "и\u0306од е\u0308ж", "ЙЁ", "Ґ ґ Ї ї Ѐ Ѝ", "Привет, мир!", "ӐӒӖ Ӝ Ӥ", "Ꙁ ꙁ ⷠ \u0483"],
    "turkish": ["İstanbul", "ISTANBUL ıstanbul", "i\u0307stanbul I\u0307", "İ ı I i Ş ş Ğ ğ", "İİİ"],
    "german": ["Straße STRASSE", "ẞ ß", "Größe Übung Äpfel", "GROẞE"],
    "casing": ["ǅ ǆ Ǆ ǈ ǋ ǲ", "Ⅷ ⅷ Ⓐ ⓐ", "Ꭰ Ꮿ ꭰ ᏸ", "Ა ა Ⴀ ⴀ", "𐐀 𐐨 𞤀 𞤢 𑢠 𖹀", "ᲀ ᲈ Ᲊ ᲊ", "Ɤ Ꟈ Ꟊ Ꟑ Ꟗ Ꟙ Ɬ Ɜ", "ŉ ǰ ΐ և ﬆ ẖ ẗ", "ﬁ ﬂ ﬃ ﬄ ﬅ ﬀ office oﬃce"],
    "vietnamese": ["Tiếng Việt", "Tie\u0302\u0301ng Vie\u0323\u0302t", "Ấ ậ Ở ữ Đ đ", "đường phố Hà Nội", "ỳ ý ỷ ỹ ỵ"],
    "arabic": ["مَرْحَبًا بِالعَالَم", "السَّلامُ عَلَيْكُمْ", "ﻻ ﷺ ﷽", "آ أ إ ؤ ئ", "ا\u0653 ا\u0654", "١٢٣ ۴۵۶", "؟ ، ؛ ۔", "كـــتاب"],
    "hebrew": ["שָׁלוֹם עוֹלָם", "\ufb2a \ufb2b \ufb49", "בְּרֵאשִׁית", "״צה״ל׳ ־ ׀"],
    "indic": ["नमस्ते दुनिया", "क़ ख़ ग़ ड़ ढ़", "क\u093c", "हिन्दी में", "தமிழ் மொழி", "বাংলা ভাষা", "ਪੰਜਾਬੀ ਗੁਜਰਾਤੀ", "മലയാളം తెలుగు ಕನ್ನಡ", "। ॥", "ො ෝ ొ ൊ", "བོད་ཡིག ཱི ཀྵ"],
    "thai": ["สวัสดีชาวโลก", "น้ำ กำ ก\u0e4dา", "ภาษาไทย ๑๒๓", "ລາວ ຳ", "ភាសាខ្មែរ", "မြန်မာ"],
    "cjk": ["中文", "你好,世界!", "abc中文def", "漢字かな交じり文", "𠀀𠮷𪜀", "\U0002a6df\U0002a6e0\U0002a700\U0002b740\U0002b81d\U0002ceb0\U00030000\U00031350",
            "豈更車 \uf900 \ufa0e \ufa6a \ufad9", "\U0002f800\U0002fa1d", "⺀ ⼀ 〇 〆 々 〻 㐀 䶵 䶿 一 鿿", "㊀ ㋿ ㍿ ㎏ ①", "ㄅㄆㄇ", "兀﨩 舘 諸", "价格是¥100元，好吗？"],
    "fullwidth": ["ＡＢＣａｂｃ１２３", "！＂＃＄％＆＇（）＊＋，－．／", "：；＜＝＞？＠［＼］＾＿｀｛｜｝～", "￥￦￠￡", "［ＳＥＰ］"],
    "controls": ["a\x00b", "\x00", "\x01\x02\x03abc\x7f", "a\x80\x85\x9fb", "a\tb\nc\rd\r\ne", "a\x0bb\x0cc", "\x1b[31mred\x1b[0m", "a\x1cb\x1db\x1eb\x1fb",
                 "a\ufffdb", "\ufffd", "\ufeffBOM first", "BOM \ufeff inside", "zero\u200bwidth\u200cnon\u200djoiner\u2060word", "soft\u00adhyphen",
                 "nb\u00a0space thin\u2009space ideographic\u3000space ogham\u1680x", "line\u2028sep para\u2029sep nel\u0085x", "\u202aLRE\u202c \u2066LRI\u2069 \u200e\u200f\u061c",
                 "mongolian\u180evowel narrow\u202fnbsp math\u205fspace en\u2002em\u2003x", "\u2061\u2062\u2063\u2064 \ufff9x\ufffa\ufffb", "\u034f\u115f\u1160\u3164\uffa0", "\x00[SEP]\x00", "[SE\x00P] a\u200b[SEP]"],
    "punctuation": ["!\"#$%&'()*+,-./:;<=>?@[\\]^_`{|}~", "a!b\"c#d$e%f&g'h(i)j*k+l,m-n.o/p:q;r<s=t>u?v@w[x\\y]z^0_1`2{3|4}5~6", "...---...", "…—–‒―‐‑ “quoted” ‘single’ «guillemets» ‹x› „low“",
                    "§¶†‡•‣⁂※‼⁇⁈⁉", "¡Hola! ¿Qué tal?", "©®™°±×÷¬¦", "€£¥¢₹₿₽₺", "←↑→↓⇒∀∂∃∅∇∈∑√∞≈≠≤≥", "½ ¼ ¾ ⅓ ² ³ ¹ ª º", "№ ℃ ℉ ℡ ℠ ™", "´ ¨ ˜ ^ ` ¯ ¸", "⸘ ⹒ ⹝ ﹏ ︙ ﹅ ﹨", "𐄀 𐎟 𐏐 𑁇 𒑰 𝪇 𞥞", "߷ ៚ ᪥ ꧁ ꩜", "a\u2e52b\u2e5cb \U00010ead \U00011b00b"],
    "math": ["𝐀𝐛𝒞𝔇𝕖𝖋𝗚𝘩𝙸", "𝟎𝟏𝟐 𝟘 𝟢", "𝛂𝛃𝛄 𝚨", "ℝ ℕ ℂ ℵ ℓ ℏ", "≠ =\u0338 ≮ <\u0338", "x² + y² = z²", "𝅗𝅥 𝅘𝅥𝅮 𝆹𝅥"],
    "special": ["[CLS]", "[SEP]", "[MASK]", "[UNK]", "[PAD]", "[CLS] [SEP] [MASK] [UNK] [PAD]", "[CLS][SEP][MASK][UNK][PAD]", "x[SEP]y", "x [SEP] y", "[sep]", "[Sep] [cls] [mask]", "[ SEP ]", "[SEP", "SEP]", "[[SEP]]", "[S[SEP]EP]",
                "[[MASK]", "a[MASK]b[mask]c", "中[SEP]文", "é[SEP]e\u0301[SEP]\u0301x", "##[SEP]##", "[SEP].[SEP]", "[unused0] [unused1] [UNUSED0]", "[MASK]\n[MASK]", "[SEP]\u0301", "\u0301[SEP]", "Paris is the [MASK] of France.", "[ＳＥＰ]", "[SÉP]"],
    "hashes": ["##ing", "## ing", "#ing", "a##ing", "##ing##ed", "###", "playing ##playing", "#hashtag ##s"],
    "unknown": ["xyzzyqwrtp", "qqqqqqqqzzzzzzzzxxxxxxx", "ꙮꙮꙮ", "hello ꙮ world", "helloꙮ", "ꙮhello", "\U0001f9ff\U0001f9ff", "ⵣⵣ tamazight", "ᚠᛇᚻ᛫ᛒᛦᚦ"],
    "long": ["a" * n for n in (99, 100, 101, 200, 10_000)] + ["ab" * 50, "ab" * 50 + "c", "é" * 100, "é" * 101, "e\u0301" * 100, "e\u0301" * 101, "\u0301" * 300 + "a", "İ" * 100, "İ" * 101,
             "ß" * 100, "中" * 300, "!" * 150, "word " + "x" * 101 + " word", "\u200b" * 200 + "a" * 100, "한" * 33, "한" * 34, "各" * 101, "the" * 33 + "a", "the" * 33 + "ab", "😀" * 101, "ﬃ" * 101],
    "numbers": ["1234567890", "3.14159", "1,000,000.00", "+49 (0)30 123-456", "2024-02-29T23:59:59Z", "1e-5 0x1F", "٣٫١٤ ١٬٠٠٠", "50% off!!!", "$9.99/mo", "1st 2nd 3rd"],
    "urls": ["https://example.com/a_b/c?d=e&f=g#h", "user.name+tag@example.co.uk", "www.example.com", "C:\\path\\to\\file.txt", "@user #topic", "<a href=\"x\">y</a> &amp; &#39;", "snake_case camelCase kebab-case"],
    "planes": ["\ue000\uf8ff", "a\ue000b", "\U000f0000\U0010fffd", "a\U000f0000b", "\ufdd0\ufdef\ufffe\uffff", "a\ufffeb\uffffc", "\U0001fffe\U0002ffff\U0010ffff", "\u0378\u0379 a\u0378b", "\U000e0001\U000e0041\U000e007f", "\U000e0100\U000e01ef 葛\U000e0100",
               "\U00010000\U00010400\U00010a00\U00011000\U00012000\U00013000\U00016800\U0001b000\U0001d400\U0001f300", "\U000105c0\U00010d40\U00010d50 \U00011380 \U000116d0 \U00011bc0 \U00013460 \U00016100 \U00016d40 \U0001e5d0 \U0001fbcb", "\u0897 \ua7cb \ua7cc \ua7da \U00010d6b a\U00010d69b",
               "\U000323af\U000323b0", "\U00040000\U000d0000", "\u1acf \u0ecE \u1dfa a\u0898b a\u1ac1b a\U00010efdb", "\u2427 \u31e4 \u31ef \u2ffc"],
}

INVALID = [
    b"\x80", b"a\x80b", b"\xbf\xbf", b"abc\xff", b"\xfe\xff", b"\xc3", b"caf\xc3", b"caf\xc3 x", b"\xe4\xb8", b"\xe4\xb8\xad\xe6", b"\xe4", b"a\xe4\xb8b", b"\xf0\x9f", b"\xf0\x9f\x98", b"\xf0\x9f\x98a\xf0\x9f\x98\x80",
    b"\xc0\x80", b"\xc1\xbf", b"\xe0\x80\x80", b"\xe0\x9f\xbf", b"\xf0\x80\x80\x80", b"\xf0\x8f\xbf\xbf", b"\xed\xa0\x80", b"\xed\xbf\xbf", b"\xed\xa0\xbd\xed\xb8\x80", b"x\xed\xa0\x80y", b"\xf4\x90\x80\x80", b"\xf5\x80\x80\x80", b"\xf8\x88\x80\x80\x80",
    b"\xfc\x84\x80\x80\x80\x80", b"\xf4\x8f\xbf\xbf", b"\xed\x9f\xbf", b"\xee\x80\x80", b"hello \xe2\x82 world", b"\xe2\x82\xac\xe2\x82", b"\xc3\xa9\xc3\xc3\xa9", b"[SEP\xff]", b"[SEP]\xff[SEP]", b"\xff[CLS]", b"e\xcc\x81\xcc", b"\xef\xbb\xbfhi\xef\xbb", b"caf\xe9 cr\xe8me",
    b"\xe1\x80\xe2\xf0\x91\x92\xf1\xbf\x41", b"\xf4\x8f\xbf", b"\x00\xff\x00", b"\xff" * 101, b"a" * 100 + b"\xff", b"a" * 99 + b"\xc3",
]

PAIRS = [("Hello world!", "How are you?"), ("", ""), ("a", ""), ("", "b"), ("café", "cafe\u0301 x"), ("x [SEP] y", "[CLS]z"), ("中文", "😀 ok"), (" ", "\x00"),
         ("The product is great, but the battery is weak.", "Is the battery good?"), ("a" * 101, "unaffable")]
TRUNCATE = [
    ("The quick brown fox jumps over the lazy dog near the river bank", None, (2, 3, 4, 5, 8, 14, 15, 16, 40)),
    ("unaffable internationalization", None, (3, 4, 5, 6)), ("café cre\u0300me 中文 😀", None, (3, 4, 5, 6, 7)), ("", None, (2, 3)), ("x[SEP]y [MASK]", None, (3, 4, 5, 6)),
    ("one two three four five six seven eight nine ten", "a b c d e f g", (3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15, 16, 17, 18, 19, 20, 21)),
    ("a b c d e f g", "one two three four five six seven eight nine ten", (3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15, 16, 17, 18, 19, 20, 21)),
    ("one two three four five six", "a b c d e f", (3, 4, 5, 6, 7, 8, 9, 12, 13, 14, 15)),
    ("short", "one two three four five six seven eight nine ten", (3, 4, 5, 6, 10, 13, 14)), ("one two three four five six seven eight nine ten", "short", (3, 4, 5, 6, 10, 13, 14)),
    ("", "one two three four", (3, 4, 5, 7)), ("one two three four", "", (3, 4, 5, 7)), ("naïve unaffable café", "e\u0301tude 한국어 tokenization", (5, 7, 9, 11, 13)),
]
PATTERNS = ["*", "a*b", "a*\u0301b", "*\u0323\u0301x"]


# ---------------------------------------------------------------- bytes and offsets
def decode(data):
    """(text, starts): byte offset at which each code point begins, and the length at the end."""
    bad = []

    def handler(e):
        bad.append((e.start, e.end))
        return "\ufffd", e.end
    codecs.register_error("mapped", handler)
    text = data.decode("utf-8", "mapped")
    assert text == data.decode("utf-8", "replace")
    starts, pos, k = [], 0, 0
    for ch in text:
        starts.append(pos)
        if k < len(bad) and bad[k][0] == pos:
            pos, k = bad[k][1], k + 1
        else:
            pos += len(ch.encode("utf-8"))
    assert pos == len(data) and k == len(bad)
    return text, starts + [pos]


def byte_offsets(encoding, maps):
    out = []
    for (start, end), sequence in zip(encoding.offsets, encoding.sequence_ids):
        m = maps[sequence] if sequence is not None else [0]
        out += [m[start], m[end]]
    return out


def fnv1a(data, h=0xCBF29CE484222325):
    for byte in data:
        h = (h ^ byte) * 0x100000001B3 & 0xFFFFFFFFFFFFFFFF
    return h


def texts_hash(tokenizer, texts, h=0xCBF29CE484222325):
    """(hash, number of tokens) of valid texts."""
    tokens = 0
    for s in range(0, len(texts), 1000):
        part = texts[s:s + 1000]
        for text, e in zip(part, tokenizer.encode_batch(part)):
            words = []
            if text.isascii():
                for i, (a, b) in zip(e.ids, e.offsets):
                    words += (i, a, b)
            else:
                starts = [0]
                for ch in text:
                    starts.append(starts[-1] + len(ch.encode("utf-8")))
                for i, (a, b) in zip(e.ids, e.offsets):
                    words += (i, starts[a], starts[b])
            tokens += len(e.ids)
            h = fnv1a(struct.pack(f"<{len(words) + 1}I", *words, 0xFFFFFFFF), h)
    return h, tokens


# ---------------------------------------------------------------- the two fixtures
def b64(data):
    return base64.b64encode(data).decode()


def single(tokenizer, data):
    text, starts = decode(data)
    e = tokenizer.encode(text)
    return {"text": b64(data), "ids": e.ids, "offsets": byte_offsets(e, [starts])}


def pair(tokenizer, a, b, **more):
    e = tokenizer.encode(a) if b is None else tokenizer.encode(a, b)
    maps = [decode(x.encode("utf-8"))[1] for x in (a, b) if x is not None]
    return {"a": b64(a.encode("utf-8")), "b": None if b is None else b64(b.encode("utf-8")), **more,
            "ids": e.ids, "types": e.type_ids, "offsets": byte_offsets(e, maps)}


def mixtures(count=250, seed=5):
    """Seeded concatenations of pieces of everything above, invalid bytes included."""
    r = random.Random(seed)
    pieces = [w.encode("utf-8") for group in WORDS.values() for t in group for w in t.split(" ") if len(w) < 30] + [b for b in INVALID if len(b) < 30]
    out = []
    for _ in range(count):
        joint = r.choice([b"", b" ", b" ", b"a", b"\xcc\x81"])
        out.append(joint.join(r.choice(pieces) for _ in range(r.randint(2, 9))))
    return out


def scalar_chunks(pattern):
    for plane in range(17):
        firsts = range(plane << 16, (plane + 1) << 16, 256) if plane in (0, 1, 2, 3, 14) else (plane << 16, (plane << 16) + 0xFF00)
        for first in firsts:
            if 0xD800 <= first < 0xE000:
                continue
            yield first, [" ".join(pattern.replace("*", chr(c)) for c in range(s, s + 64)) for s in range(first, first + 256, 64)]


def lines_json(path, value):
    """Like save_json, but with one line for every element of the top-level lists."""
    import json
    dump = lambda v: json.dumps(v, separators=(",", ":"), allow_nan=False)
    parts = []
    for key, v in value.items():
        parts.append(dump(key) + ":" + ("[\n" + ",\n".join(map(dump, v)) + "\n]" if isinstance(v, list) else dump(v)))
    path.write_text("{\n" + ",\n".join(parts) + "\n}\n", encoding="utf-8")
    print(f"{path.name}: {path.stat().st_size:,} bytes")


def hard(tokenizer, out):
    texts = [t.encode("utf-8") for group in WORDS.values() for t in group] + INVALID + mixtures()
    singles = [single(tokenizer, t) for t in texts]
    pairs = [pair(tokenizer, a, b) for a, b in PAIRS]
    truncated = []
    for a, b, limits in TRUNCATE:
        for limit in limits:
            tokenizer.enable_truncation(limit, strategy="longest_first")
            truncated.append(pair(tokenizer, a, b, maxLength=limit))
            assert len(truncated[-1]["ids"]) <= limit, truncated[-1]
    tokenizer.no_truncation()
    firsts = [f for f, _ in scalar_chunks("*")]
    hashes = {p: [f"{texts_hash(tokenizer, t)[0]:016x}" for _, t in scalar_chunks(p)] for p in PATTERNS}
    lines_json(out / "wordpiece-hard.json", {
        "versions": versions("tokenizers"), "single": singles, "pairs": pairs, "truncated": truncated,
        "scalars": {"chunkSize": 256, "perText": 64, "patterns": PATTERNS, "first": firsts, "hashes": hashes}})


def classes(out):
    def bert(**on):
        off = dict(clean_text=False, handle_chinese_chars=False, strip_accents=False, lowercase=False)
        return normalizers.BertNormalizer(**(off | on)).normalize_str
    clean, cjk, strip = bert(clean_text=True), bert(handle_chinese_chars=True), bert(strip_accents=True)
    lower, decompose = bert(lowercase=True), normalizers.NFD().normalize_str
    split = pre_tokenizers.BertPreTokenizer().pre_tokenize_str
    found = {k: [] for k in ("removed", "space", "cjk", "marks", "whitespace", "punctuation")}
    maps = {"decomposition": [], "lowercase": []}

    def add(name, c):
        r = found[name]
        if r and r[-1] == c - 1:
            r[-1] = c
        else:
            r += (c, c)
    for c in range(0x110000):
        if 0xD800 <= c < 0xE000:
            continue
        ch = chr(c)
        x = clean(ch)
        if x == "":
            add("removed", c)
        elif x == " " and c != 32:
            add("space", c)
        else:
            assert x == ch
        x = cjk(ch)
        if x != ch:
            assert x == f" {ch} "
            add("cjk", c)
        if strip(ch) == "":
            add("marks", c)
        parts = [p for p, _ in split("a" + ch + "b")]
        if parts == ["a", "b"]:
            add("whitespace", c)
        elif parts == ["a", ch, "b"]:
            add("punctuation", c)
        else:
            assert parts == ["a" + ch + "b"]
        for name, x in (("decomposition", decompose(ch)), ("lowercase", lower(ch))):
            if x != ch and not (name == "decomposition" and 0xAC00 <= c < 0xD7A4):
                maps[name].append([c, [ord(y) for y in x]])
    save_json(out / "wordpiece-classes.json", {"versions": versions("tokenizers")} | found | maps, indent=None)


def corpora(tokenizer, data, out):
    columns, began = [], time.perf_counter()
    for name, files in COLUMNS.items():
        for file, wanted in files.items():
            header, rows = read_table(data / name / file)
            for column in wanted:
                at = header.index(column)
                h, tokens = texts_hash(tokenizer, [r[at] for r in rows])
                columns.append({"set": name, "file": file, "column": column, "rows": len(rows), "tokens": tokens, "hash": f"{h:016x}"})
        print(f"{name}: {time.perf_counter() - began:.0f} s", flush=True)
    lines_json(out / "wordpiece-corpora.json", {"versions": versions("tokenizers"), "columns": columns})


def main():
    ap = options(__doc__, data=True, minilm=True)
    ap.add_argument("--only", choices=["hard", "classes", "corpora"])
    args = ap.parse_args()
    tokenizer = Tokenizer.from_file(str(args.minilm / "tokenizer.json"))
    tokenizer.no_truncation()
    tokenizer.no_padding()
    if args.only in (None, "hard"):
        hard(tokenizer, args.out)
    if args.only in (None, "classes"):
        classes(args.out)
    if args.only in (None, "corpora"):
        corpora(tokenizer, args.data, args.out)


if __name__ == "__main__":
    main()
