"""Shared by the reference scripts: command-line options, thread counts and the writers of the fixtures.

Not run on its own. Python 3.11, versions in requirements.txt.
"""
import os

os.environ.setdefault("TOKENIZERS_PARALLELISM", "true")
os.environ.setdefault("HF_HUB_OFFLINE", "1")
os.environ.setdefault("TRANSFORMERS_VERBOSITY", "error")
os.environ.setdefault("HF_HUB_DISABLE_PROGRESS_BARS", "1")
THREADS = int(os.environ.get("REFERENCE_THREADS", "2"))

import argparse
import csv
import gzip
import io
import json
import pathlib

import numpy as np

FIXTURES = pathlib.Path(__file__).resolve().parent.parent / "MarketingMLTests" / "Fixtures"


def options(doc, data=False, minilm=False):
    """--out (default: the Fixtures folder), and --data / --minilm for the scripts that need them."""
    ap = argparse.ArgumentParser(description=doc, formatter_class=argparse.RawDescriptionHelpFormatter)
    ap.add_argument("--out", type=pathlib.Path, default=FIXTURES, help="folder the fixtures are written to")
    if data:
        ap.add_argument("--data", type=pathlib.Path, required=True, help="folder that holds the data sets")
    if minilm:
        ap.add_argument("--minilm", type=pathlib.Path, required=True, help="all-MiniLM-L6-v2 directory")
    return ap


def torch_setup():
    import torch
    torch.set_num_threads(THREADS)
    torch.use_deterministic_algorithms(True, warn_only=True)
    return torch


def versions(*names):
    from importlib.metadata import version
    return {n: version(n) for n in names}


def save_tensors(path, tensors, **metadata):
    """safetensors, names in sorted order; torch tensors and numpy arrays are both taken."""
    from safetensors.numpy import save_file
    out = {}
    for name in sorted(tensors):
        value = tensors[name]
        if hasattr(value, "detach"):
            value = value.detach().cpu().numpy()
        out[name] = np.ascontiguousarray(value)
    path.parent.mkdir(parents=True, exist_ok=True)
    save_file(out, str(path), metadata={k: str(v) for k, v in metadata.items()} or None)
    print(f"{path.name}: {path.stat().st_size:,} bytes, {len(out)} tensors")


def save_json(path, value, indent=1):
    path.parent.mkdir(parents=True, exist_ok=True)
    tmp = path.with_name(path.name + ".tmp")
    separators = None if indent else (",", ":")
    tmp.write_text(json.dumps(value, indent=indent, separators=separators, allow_nan=False) + "\n", encoding="utf-8")
    tmp.replace(path)
    print(f"{path.name}: {path.stat().st_size:,} bytes")


def read_table(path):
    """(header, rows). TSV: no quoting, only the final line feed is taken off. CSV: RFC 4180."""
    opener = gzip.open if path.name.endswith(".gz") else open
    with opener(path, "rb") as f:
        text = f.read().decode("utf-8")
    if ".tsv" in path.name:
        lines = text.split("\n")
        if lines[-1] == "":
            lines.pop()
        rows = [line.split("\t") for line in lines]
    else:
        rows = list(csv.reader(io.StringIO(text, newline=""), strict=True))
    for row in rows:
        assert len(row) == len(rows[0]), (path, row)
    return rows[0], rows[1:]
