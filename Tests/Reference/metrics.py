"""Classification metrics of scikit-learn on small seeded examples.

Command:   python metrics.py [--out DIR]
Versions:  scikit-learn 1.9.1, numpy 2.4.6

Produces metrics.json, {"cases": [...]}; each case has
  name, classes (how many; labels are 0 ..< classes), truth [n], predictions [n] (first largest score), and if it has scores
  probabilities [n][classes];
  accuracy, precision / recall / f1 / support [classes] (0 where nothing is divided by nothing: zero_division=0),
  macroF1, weightedF1 (over all classes, absent ones too), confusion [classes][classes] (row: truth, column: prediction),
  logLoss (null without scores; probabilities clipped to [eps, 1 - eps] of float64 as scikit-learn does),
  rocAUC: binary: of the scores of class 1; more classes: macro average of one-versus-rest, null where a class is absent
  from truth (undefined). Ties count one half.
"auc" holds binary cases of scores alone: {name, truth, scores, rocAUC}.
"""
import numpy as np
from reference_common import options, save_json, versions
from sklearn.metrics import accuracy_score, confusion_matrix, f1_score, log_loss, precision_recall_fscore_support, roc_auc_score


def case(name, classes, truth, probabilities=None, predictions=None):
    labels = list(range(classes))
    truth = np.asarray(truth)
    if predictions is None:
        predictions = np.argmax(probabilities, axis=1)
    p, r, f, s = precision_recall_fscore_support(truth, predictions, labels=labels, zero_division=0)
    loss = auc = None
    if probabilities is not None:
        loss = log_loss(truth, probabilities, labels=labels)
        if len(set(truth.tolist())) == classes:
            auc = roc_auc_score(truth, probabilities[:, 1]) if classes == 2 else roc_auc_score(
                truth, probabilities, multi_class="ovr", average="macro", labels=labels)
    out = {"name": name, "classes": classes, "truth": truth.tolist(), "predictions": np.asarray(predictions).tolist()}
    if probabilities is not None:
        out["probabilities"] = probabilities.tolist()
    return out | {
        "accuracy": accuracy_score(truth, predictions), "precision": p.tolist(), "recall": r.tolist(), "f1": f.tolist(), "support": s.tolist(),
        "macroF1": f1_score(truth, predictions, labels=labels, average="macro", zero_division=0),
        "weightedF1": f1_score(truth, predictions, labels=labels, average="weighted", zero_division=0),
        "confusion": confusion_matrix(truth, predictions, labels=labels).tolist(), "logLoss": loss, "rocAUC": auc}


def probabilities(rng, n, classes, quantum):
    """Rows that sum to one, multiples of 1 / quantum, so that scores tie."""
    return rng.multinomial(quantum, rng.dirichlet(np.ones(classes), n)) / quantum


def main():
    out = options(__doc__).parse_args().out
    rng = np.random.default_rng(31)
    cases = []
    p = probabilities(rng, 40, 2, 1024)
    cases.append(case("binary", 2, (p[:, 1] + rng.normal(0, 0.3, 40) > 0.5).astype(int), p))
    p = probabilities(rng, 40, 2, 8)
    cases.append(case("binary with ties and certain scores", 2, (p[:, 1] + rng.normal(0, 0.4, 40) > 0.5).astype(int), p))
    p = probabilities(rng, 60, 3, 1024)
    cases.append(case("three classes", 3, [rng.choice(3, p=x) for x in p], p))
    p = probabilities(rng, 30, 3, 8)
    cases.append(case("three classes with ties", 3, [rng.choice(3, p=0.7 * x + 0.1) for x in p], p))
    p = probabilities(rng, 25, 4, 64)
    cases.append(case("class 2 absent from the truth", 4, rng.choice([0, 1, 3], 25), p))
    cases.append(case("class 1 never predicted", 3, rng.integers(0, 3, 20), predictions=rng.choice([0, 2], 20)))
    cases.append(case("class 1 in neither", 3, rng.choice([0, 2], 15), predictions=rng.choice([0, 2], 15)))
    cases.append(case("all right", 2, [0, 1, 1, 0], np.array([[1.0, 0], [0, 1], [0, 1], [1, 0]])))
    cases.append(case("all wrong and certain", 2, [0, 1, 1], np.array([[0.0, 1], [1, 0], [1, 0]])))
    cases.append(case("one example", 2, [1], np.array([[0.25, 0.75]])))
    auc = []
    for name, truth, scores in [
            ("all scores equal", [0, 1, 1, 0, 1], [0.5] * 5), ("perfect", [0, 0, 1, 1], [-2.0, -1, 1, 2]), ("reversed", [1, 1, 0, 0], [-2.0, -1, 1, 2]),
            ("two levels", rng.integers(0, 2, 50), rng.integers(0, 2, 50)), ("five levels", rng.integers(0, 2, 200), rng.integers(0, 5, 200) / 4),
            ("one positive", [0, 0, 1, 0], [0.1, 0.4, 0.35, 0.8]), ("negative and huge", [0, 1, 0, 1, 1], [-1e300, 1e300, 0.0, -0.0, 5e-324])]:
        truth, scores = np.asarray(truth), np.asarray(scores, float)
        auc.append({"name": name, "truth": truth.tolist(), "scores": scores.tolist(), "rocAUC": float(roc_auc_score(truth, scores))})
    save_json(out / "metrics.json", {"versions": versions("scikit-learn", "numpy"), "cases": cases, "auc": auc}, indent=None)
    for c in cases:
        print(c["name"], c["accuracy"], c["logLoss"], c["rocAUC"])


main()
