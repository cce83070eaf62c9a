"""Has LIBSVM and LIBLINEAR read model files that MarketingML wrote, and compares their answers with ours.

Command:   python load_svm_models.py [FOLDER]     (default Tests/MarketingMLTests/Fixtures/svm-written)
Versions:  libsvm-official 3.37.0, liblinear-official 2.50.0

Beside NAME.model stands NAME.json: rows "x", our decision values (of a regression: predictions) "values", and for each
column of the values the class that a value above 0 favours and the one against it. Prints the largest difference for
each file, and ends with status 1 if one is above 1e-9 or if no file was found.
"""
import json
import pathlib
import sys

from liblinear import liblinearutil
from libsvm import svmutil

DEFAULT = pathlib.Path(__file__).parent.parent / "MarketingMLTests" / "Fixtures" / "svm-written"


def ours(answers, labels, pairwise):
    """Our values in the order and with the signs of theirs, whose classes have the order `labels`."""
    if not answers["columns"]:
        return answers["values"]
    if pairwise:
        wanted = [(a, b) for i, a in enumerate(labels) for b in labels[i + 1:]]
    elif len(labels) == 2:
        wanted = [tuple(labels)]
    else:
        wanted = [(label,) for label in labels]
    signed = []
    for pair in wanted:
        forward = list(pair) in answers["columns"]
        have = list(pair) if forward else list(pair)[::-1]
        signed.append((answers["columns"].index(have), 1 if forward else -1))
    return [[row[index] * sign for index, sign in signed] for row in answers["values"]]


def main():
    folder = pathlib.Path(sys.argv[1]) if len(sys.argv) > 1 else DEFAULT
    files = sorted(folder.glob("*.model"))
    worst = 0.0
    for file in files:
        answers = json.loads(file.with_suffix(".json").read_text())
        util = liblinearutil if file.read_text().startswith("solver_type") else svmutil
        load, predict = (
            (util.load_model, util.predict) if util is liblinearutil else (util.svm_load_model, util.svm_predict))
        model = load(str(file))
        labels = model.get_labels() if answers["columns"] else []
        _, _, theirs = predict([0] * len(answers["x"]), answers["x"], model, "-q")
        expected = ours(answers, labels, util is svmutil)
        if util is liblinearutil and len(labels) == 2:
            theirs = [row[:1] for row in theirs]
        assert [len(r) for r in theirs] == [len(r) for r in expected], f"{file.name}: {theirs[0]} and {expected[0]}"
        difference = max(abs(a - b) for r, s in zip(theirs, expected) for a, b in zip(r, s))
        print(f"{file.name}: {len(theirs)} rows of {len(expected[0])} values, largest difference {difference:.1e}")
        worst = max(worst, difference)
    sys.exit(0 if files and worst <= 1e-9 else 1)


if __name__ == "__main__":
    main()
