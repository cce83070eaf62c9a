"""Reading CSV files: pandas' readers on the files that `bench run csv/` reads.

    python read_tables.py [--only TEXT] [--repeats N] [--case NAME]

The files are generated on first use below $PEERS_DATA/csv (default ~/.cache/marketingml-peers/data/csv):
  numeric.csv  1,000,000 rows of 20 numbers of 6 digits (183 MB)
  mixed.csv    500,000 rows: 4 numbers, 3 categories, a quoted text with separators and line ends (46 MB)
Prints a line of JSON a case and reader: seconds of each run (file in the page cache), MB/s of text, checksum, peak memory of the
process. Each runs in a process of its own.
"""
import os
import pathlib
import sys

THREADS = os.environ.get("PEERS_THREADS", "2")
for variable in ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS"):
    os.environ.setdefault(variable, THREADS)

import argparse
import json
import statistics
import subprocess
import time

HOME = pathlib.Path(os.environ.get("PEERS_HOME", pathlib.Path.home() / ".cache/marketingml-peers"))
FOLDER = pathlib.Path(os.environ.get("PEERS_DATA", HOME / "data")) / "csv"


def numeric_file():
    import numpy as np
    path = FOLDER / "numeric.csv"
    if path.exists():
        return path
    FOLDER.mkdir(parents=True, exist_ok=True)
    rng = np.random.default_rng(1)
    form = ",".join(["%.6g"] * 20) + "\n"
    with open(path.with_suffix(".tmp"), "w") as f:
        f.write(",".join(f"x{i}" for i in range(20)) + "\n")
        for _ in range(100):
            f.writelines(form % tuple(row) for row in (rng.standard_normal((10_000, 20)) * 3).tolist())
    path.with_suffix(".tmp").rename(path)
    return path


def mixed_file():
    import numpy as np
    path = FOLDER / "mixed.csv"
    if path.exists():
        return path
    FOLDER.mkdir(parents=True, exist_ok=True)
    rng = np.random.default_rng(2)
    jobs, cities = ["admin.", "blue-collar", "technician", "retired", ""], [f"city {i}" for i in range(300)]
    texts = ['said ""yes"", at once', "line one\nline two", "nothing to say", "late, and broken", ""]
    with open(path.with_suffix(".tmp"), "w", newline="") as f:
        f.write("id,age,balance,rate,job,city,plan,comment\n")
        for i in range(500_000):
            f.write(f"{i},{rng.integers(18, 90)},{rng.normal(1000, 900):.2f},{rng.random():.4f},{jobs[rng.integers(5)]},"
                    f'{cities[rng.integers(300)]},{"ABC"[rng.integers(3)]},"{texts[rng.integers(5)]} {rng.integers(1000)}"\n')
    path.with_suffix(".tmp").rename(path)
    return path


def pandas_case(file, engine=None, dtype=None):
    def run(args):
        import numpy as np
        import pandas as pd
        path = file()
        options = {k: v for k, v in (("engine", engine), ("dtype", dtype)) if v}
        runs = []
        for repeat in range(args.repeats + 1):
            start = time.perf_counter()
            frame = pd.read_csv(path, **options)
            seconds = time.perf_counter() - start
            if repeat:
                runs.append(seconds)
            if repeat < args.repeats:
                del frame
        numbers = frame.select_dtypes("number")
        quality = {"rows": len(frame), "columns": frame.shape[1], "sum": float(np.nansum(numbers.to_numpy(dtype=np.float64)))}
        emit(args.case, f"pandas {pd.__version__} {engine or 'c'}", runs, path.stat().st_size, quality)
    return run


def emit(case, peer, runs, size, quality):
    median = statistics.median(runs)
    peak = next(float(line.split()[1]) / 1024 for line in open("/proc/self/status") if line.startswith("VmHWM"))
    print(json.dumps({
        "case": case.split(" ")[0], "peer": peer, "seconds_median": median, "runs": runs,
        "throughput": {"MB_per_s": size / 1e6 / median}, "quality": quality, "peak_rss_mb": round(peak, 1),
        "threads": int(THREADS)}), flush=True)


CASES = {
    "csv/numeric": pandas_case(numeric_file),
    "csv/numeric pyarrow": pandas_case(numeric_file, engine="pyarrow"),
    "csv/numeric-f32": pandas_case(numeric_file, dtype="float32"),
    "csv/mixed": pandas_case(mixed_file),
    "csv/mixed pyarrow": pandas_case(mixed_file, engine="pyarrow"),
}


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--case")
    parser.add_argument("--only", default="")
    parser.add_argument("--repeats", type=int, default=5)
    args = parser.parse_args()
    if args.case:
        CASES[args.case](args)
        return
    numeric_file(), mixed_file()
    for name in CASES:
        if args.only in name:
            subprocess.run([sys.executable, __file__, "--case", name, "--repeats", str(args.repeats)], stderr=subprocess.DEVNULL)


main()
