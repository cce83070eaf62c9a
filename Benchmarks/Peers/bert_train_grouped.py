"""One fine-tuning step of PyTorch on batches grouped by length: the 256 rows of changing length are sorted before they
are cut into batches of 32, so that little is padded. Otherwise as bert_train.py's minilm-var-*: dropout 0 or 0.1, AdamW.

What grouping costs in accuracy (batches are no longer random) is not measured here."""
import common

run, common.main = common.main, lambda *ignored: None  # bert_train runs its cases when it is imported
from bert_train import *

cases.clear()


def grouped(variant):
    def go(args):
        import bert_train
        ds = inputs()
        lab = ds.load("var_labels")
        rows = [(i, m, lab[r].astype(np.int64)) for i, m, r in var_batches(ds, by_length=True)]
        bert_train.step_batches = lambda kind: rows
        bert_train.DATA = DATA / "grouped"  # its losses are not the reference ones
        emitted = bert_train.emit
        bert_train.emit = lambda case, peer, *rest, **more: emitted(case, peer + "-length-grouped", *rest, **more)
        train("minilm", "var", variant)(args)
    return go


for v in ("default", "nodropout"):
    cases[f"minilm-var-{v}-grouped"] = grouped(v)
if __name__ == "__main__":
    run(cases, __doc__)
