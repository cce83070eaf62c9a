"""Tables, features and text of pandas, scikit-learn and patsy on small seeded examples.

Command:   python data.py [--out DIR]
Versions:  scikit-learn 1.9.1, numpy 2.4.6, pandas 3.1.1, patsy 1.0.3

Produces data.json:
  csv       [{name, bytes (base64, as they stand in the file), missing, columns: [{name, numbers | texts}]}], null where a value
            is missing, read by pandas.read_csv(keep_default_na=False, na_values=missing)
  scaler    {x [n], missing as null; values [n]}: SimpleImputer(mean) and StandardScaler; indicator [n]
  oneHot    {train, test (texts), categories, values [n_test][k]}: OneHotEncoder(handle_unknown="ignore"); infrequent: the same with
            min_frequency 3 and "infrequent_if_exist"
  target    [{kind, smoothing, levels [n], y [n], test [m], values [m][k]}]: TargetEncoder fitted on all rows, then transform
  splines   [{basis, degree, knots (how many), placement, x, at, values}]: SplineTransformer(extrapolation="constant"); for "natural"
            patsy's cr with the same knots
  bins      [{count, x, at, values}]: KBinsDiscretizer(quantile, linear), one-hot
  text      [{name, texts, options, test, terms, values [rows][{column: value}]}]: TfidfVectorizer, HashingVectorizer(alternate_sign)
"""
import base64
import gzip
import io

import numpy as np
import pandas as pd
from patsy import dmatrix
from reference_common import options, save_json, versions
from sklearn.feature_extraction.text import CountVectorizer, HashingVectorizer, TfidfVectorizer
from sklearn.impute import SimpleImputer
from sklearn.preprocessing import KBinsDiscretizer, OneHotEncoder, SplineTransformer, StandardScaler, TargetEncoder


def csv_case(name, text, missing=("",), compress=False, **read):
    data = text if isinstance(text, bytes) else text.encode()
    frame = pd.read_csv(io.BytesIO(data), keep_default_na=False, na_values=list(missing), **read)
    columns = []
    for column in frame:
        values = frame[column]
        if pd.api.types.is_numeric_dtype(values) and not pd.api.types.is_bool_dtype(values):
            columns.append({"name": column, "numbers": [None if pd.isna(v) else float(v) for v in values]})
        else:
            columns.append({"name": column, "texts": [None if pd.isna(v) else str(v) for v in values]})
    stored = gzip.compress(data, mtime=0) if compress else data
    return {"name": name, "bytes": base64.b64encode(stored).decode(), "missing": [m for m in missing if m], "columns": columns}


def csv_cases(rng):
    numbers = [repr(float(v)) for v in rng.normal(0, 1, 60) * 10.0 ** rng.integers(-12, 12, 60)]
    hard = ["0.1", "1e22", "1e23", "8.5e22", "9007199254740991.5", "4.35", "2.2250738585072014e-308", "5e-324", "1.7976931348623157e308",
            "123456789.123456789123456789", "0.000000000000000000000000000001234567890123456789", "-0.0", "1234567890123456789e-10"]
    return [
        csv_case("quotes", 'id,text\n1,"a, ""b"""\n2,"two\nlines"\n3,plain\n4,""\n'),
        csv_case("CRLF", "a,b\r\n1,x\r\n2,y\r\n\r\n3,z"),
        csv_case("byte order mark", b"\xef\xbb\xbfname,value\nAda,1.5\nBo,2\n"),
        csv_case("gzip", "a,b\n" + "\n".join(f"{i},{i * i / 7}" for i in range(500)) + "\n", compress=True),
        csv_case("missing", "n,t\n1,a\n?,?\nNA,b\n,\n5,NA\n", missing=("", "NA", "?")),
        csv_case("random numbers", "x\n" + "\n".join(numbers)),
        csv_case("hard numbers", "x\n" + "\n".join(hard)),
        csv_case("mixed late", "a,b\n" + "\n".join(f"{i},{i if i < 199 else 'x'}" for i in range(200)), low_memory=False),
        csv_case("beyond ASCII", "städte,人\nKöln,好\nMünchen,\"naïve 🎉\"\n"),
    ]


def optional(values):
    return [None if np.isnan(v) else float(v) for v in values]


def target_cases(rng):
    out = []
    levels = rng.choice(["a", "b", "c", "d", "rare"], 80, p=[0.4, 0.3, 0.2, 0.08, 0.02]).astype(object)
    test = np.array(["a", "b", "c", "d", "rare", "new"], dtype=object)
    binary = (rng.random(80) < 0.2 + 0.15 * np.array([len(v) + ord(v[0]) % 4 for v in levels]) / 2).astype(int)
    number = rng.normal(0, 2, 80) + np.array([ord(v[0]) % 5 for v in levels])
    classes = rng.choice(["x", "y", "z"], 80)
    for kind, y in [("binary", binary), ("continuous", number), ("multiclass", classes)]:
        for smoothing in ["auto", 10.0]:
            encoder = TargetEncoder(target_type=kind, smooth=smoothing, cv=3, random_state=0).fit(levels.reshape(-1, 1), y)
            out.append({"kind": kind, "smoothing": None if smoothing == "auto" else smoothing, "levels": levels.tolist(),
                        "y": [str(v) for v in y] if kind == "multiclass" else [float(v) for v in y], "test": test.tolist(),
                        "values": encoder.transform(test.reshape(-1, 1)).tolist()})
    return out


def spline_cases(rng):
    x = np.round(rng.gamma(2, 3, 120), 3)
    at = np.concatenate([[-2.0, 0.0, x.min(), x.max(), x.max() + 5], np.linspace(x.min(), x.max(), 23)])
    out = []
    for degree, knots, placement in [(3, 5, "quantile"), (3, 5, "uniform"), (1, 4, "quantile"), (2, 7, "uniform"), (3, 2, "uniform")]:
        t = SplineTransformer(n_knots=knots, degree=degree, knots=placement, extrapolation="constant").fit(x.reshape(-1, 1))
        out.append({"basis": "b", "degree": degree, "knots": knots, "placement": placement, "x": x.tolist(), "at": at.tolist(),
                    "values": t.transform(at.reshape(-1, 1)).tolist()})
    for count in [3, 5, 8]:
        knots = np.percentile(x, np.linspace(0, 100, count))
        values = dmatrix("cr(at, knots=inner, lower_bound=low, upper_bound=high) - 1",
                         {"at": at, "inner": knots[1:-1], "low": knots[0], "high": knots[-1]})
        out.append({"basis": "natural", "degree": 3, "knots": count, "placement": "quantile", "x": x.tolist(), "at": at.tolist(),
                    "values": np.asarray(values).tolist()})
    return out


TEXTS = [
    "Free entry in a weekly competition! Text WIN to 80082 now", "I'll call you later, ok?", "URGENT: your account_1 was credited 50% off",
    "Große Straße, naïve café — 100 € günstig", "the the the cat sat on the mat", "", "a b c", "好的 谢谢 你 好的", "Ελλάδα και Κύπρος",
    "tabs\tand\n\nnew  lines ", "win win WIN now now", "½ price², call 0800-555 today",
]
TEST = ["win a free cat now", "unknown words only here zzz", "ok ok later", "  ", "naïve Straße 好的"]


def text_cases():
    out = []
    for name, kind, opts in [
            ("defaults", TfidfVectorizer, {}), ("bigrams, sublinear", TfidfVectorizer, {"ngram_range": (1, 2), "sublinear_tf": True}),
            ("char", TfidfVectorizer, {"analyzer": "char", "ngram_range": (1, 3)}),
            ("char_wb", TfidfVectorizer, {"analyzer": "char_wb", "ngram_range": (2, 5)}),
            ("frequencies", TfidfVectorizer, {"min_df": 2, "max_df": 0.5}), ("limit", TfidfVectorizer, {"max_features": 7, "ngram_range": (1, 2)}),
            ("case, no norm", TfidfVectorizer, {"lowercase": False, "norm": None}), ("counts", CountVectorizer, {}),
            ("hashing", HashingVectorizer, {"n_features": 64, "ngram_range": (1, 2)})]:
        vectorizer = kind(**opts)
        vectorizer.fit(TEXTS)
        rows = vectorizer.transform(TEXTS + TEST).tocsr()
        rows.sort_indices()
        values = [{str(c): float(v) for c, v in zip(rows.indices[s:e], rows.data[s:e]) if v != 0} for s, e in zip(rows.indptr, rows.indptr[1:])]
        out.append({"name": name, "texts": TEXTS, "test": TEST, "terms": list(vectorizer.get_feature_names_out()) if hasattr(vectorizer, "vocabulary_") else [],
                    "values": values})
    return out


def main():
    out = options(__doc__).parse_args().out
    rng = np.random.default_rng(17)
    x = np.round(rng.normal(50, 12, 40), 2)
    x[[3, 17, 29]] = np.nan
    filled = SimpleImputer(strategy="mean").fit_transform(x.reshape(-1, 1))
    scaler = {"x": optional(x), "values": StandardScaler().fit_transform(filled)[:, 0].tolist()}
    train = rng.choice(["red", "green", "blue", "Zürich", "äpfel", "once"], 30, p=[0.3, 0.25, 0.2, 0.12, 0.1, 0.03]).astype(object)
    train[-1] = "once"
    test = np.array(["red", "once", "violet", "äpfel"], dtype=object)
    plain = OneHotEncoder(handle_unknown="ignore", sparse_output=False).fit(train.reshape(-1, 1))
    rare = OneHotEncoder(handle_unknown="infrequent_if_exist", min_frequency=4, sparse_output=False).fit(train.reshape(-1, 1))
    one_hot = {"train": train.tolist(), "test": test.tolist(), "categories": plain.categories_[0].tolist(),
               "values": plain.transform(test.reshape(-1, 1)).tolist(), "rare": rare.transform(test.reshape(-1, 1)).tolist()}
    b = np.round(rng.exponential(4, 90), 1)
    at = np.concatenate([[-1.0, 0, 100], np.quantile(b, np.linspace(0, 1, 11))])
    bins = []
    for count in [2, 5, 10]:
        k = KBinsDiscretizer(n_bins=count, encode="onehot-dense", strategy="quantile", quantile_method="linear").fit(b.reshape(-1, 1))
        bins.append({"count": count, "x": b.tolist(), "at": at.tolist(), "values": k.transform(at.reshape(-1, 1)).tolist()})
    save_json(out / "data.json", {
        "versions": versions("scikit-learn", "numpy", "pandas", "patsy"), "csv": csv_cases(rng), "scaler": scaler, "oneHot": one_hot,
        "target": target_cases(rng), "splines": spline_cases(rng), "bins": bins, "text": text_cases()}, indent=None)


main()
