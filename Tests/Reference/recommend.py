"""Recommenders: neighbours of items and ranking metrics, from implicit 0.7, scikit-learn and numpy.

Writes Tests/RecommendTests/Fixtures/recommend.json:
- users, items, values: a table of interactions (users and items numbered by first appearance), heldout_users/heldout_items: test ones;
- knn: for cosine, tfidf and bm25 the full item x item similarity (implicit's weights; the diagonal is 0);
- ease: the item x item weights for lambda 5 in closed form;
- als: implicit's factors of the items after its fit, the loss of mf.py's formula, and the exact users for these items;
- scores: a model's scores for each user of the table; metrics at 3 and 10 of the ranking by these scores: NDCG and MAP by
  implicit.evaluation, AUC by scikit-learn user by user, the others by their definitions in numpy.
"""
import json
import os
import pathlib

os.environ["OPENBLAS_NUM_THREADS"] = "1"
import numpy as np
import scipy.sparse as sp
from implicit.cpu.als import AlternatingLeastSquares
from implicit.evaluation import ranking_metrics_at_k
from implicit.nearest_neighbours import bm25_weight, normalize, tfidf_weight
from sklearn.metrics import roc_auc_score

rng = np.random.default_rng(7)
U, I = 40, 25
taste = rng.normal(size=(U, 3)) @ rng.normal(size=(3, I)) + rng.normal(size=I)
seen = taste + rng.normal(size=(U, I)) > 1.4
seen[np.arange(U), rng.integers(0, I, U)] = True
seen[rng.integers(0, U, I), np.arange(I)] = True
pairs = np.argwhere(seen)
is_test = rng.random(len(pairs)) < 0.25
# Each user and item keeps one training interaction.
keep_users, keep_items = set(), set()
for k, (u, i) in enumerate(pairs):
    if u not in keep_users or i not in keep_items:
        is_test[k] = False
    if not is_test[k]:
        keep_users.add(u)
        keep_items.add(i)
train, test = pairs[~is_test], pairs[is_test]
values = rng.integers(1, 6, len(train)).astype(float)

# Numbers by first appearance.
order_u = {u: n for n, u in enumerate(dict.fromkeys(train[:, 0]))}
order_i = {i: n for n, i in enumerate(dict.fromkeys(train[:, 1]))}
u = np.array([order_u[a] for a in train[:, 0]])
i = np.array([order_i[a] for a in train[:, 1]])
tu = np.array([order_u[a] for a in test[:, 0]])
ti = np.array([order_i[a] for a in test[:, 1]])
X = sp.csr_matrix((values, (u, i)), shape=(U, I))
T = sp.csr_matrix((np.ones(len(tu)), (tu, ti)), shape=(U, I))

out = {"users": u.tolist(), "items": i.tolist(), "values": values.tolist(), "heldout_users": tu.tolist(), "heldout_items": ti.tolist()}

counts = X.T.tocsr()
weighted = {"cosine": normalize(counts), "tfidf": normalize(tfidf_weight(counts)), "bm25": bm25_weight(counts, 1.2, 0.75)}
out["knn"] = {}
for name, w in weighted.items():
    s = (w.tocsr() @ w.tocsr().T).toarray()
    np.fill_diagonal(s, 0)
    out["knn"][name] = s.ravel().tolist()

D = X.toarray()
P = np.linalg.inv(D.T @ D + 5 * np.eye(I))
B = -P / np.diag(P)[None, :]
np.fill_diagonal(B, 0)
out["ease"] = B.ravel().tolist()

m = AlternatingLeastSquares(factors=6, regularization=0.1, alpha=2.0, iterations=10, use_cg=False, num_threads=1, random_state=1)
m.fit(X.astype(np.float32), show_progress=False)
Y = m.item_factors.astype(np.float64)
exact = []
for a in range(U):
    c = np.ones(I)
    b = np.zeros(I)
    row = X[a]
    c[row.indices] = 2 * row.data
    b[row.indices] = 2 * row.data
    exact.append(np.linalg.solve(Y.T @ (c[:, None] * Y) + 0.1 * np.eye(6), Y.T @ b))
exact = np.array(exact)
p = exact @ Y.T
c = 2 * D
loss = float((c * (1 - p) ** 2 - (D > 0) * p ** 2).sum() + (p * p).sum() + 0.1 * ((exact ** 2).sum() + (Y ** 2).sum()))
out["als"] = {"items": Y.ravel().tolist(), "users": exact.ravel().tolist(), "loss": loss}

# Ranking: popularity mixed with a user's taste, rounded so that there are ties.
scores = np.round(D @ B + 0.02 * (D > 0).sum(0), 2)
out["scores"] = scores.ravel().tolist()


class Ranked:
    """What implicit.evaluation asks of a model: the ranking by score, of equal ones the smaller item first."""

    def recommend(self, userid, user_items, N=10, **_):
        ids = []
        for a, row in zip(userid, user_items):
            s = scores[a].copy()
            s[row.indices] = -np.inf
            ids.append(np.lexsort((np.arange(I), -s))[:N])
        return np.array(ids, dtype=np.int32), None


out["metrics"] = {}
judged = [a for a in range(U) if T[a].nnz]
for k in (3, 10):
    theirs = ranking_metrics_at_k(Ranked(), X, T, K=k, show_progress=False, num_threads=1)
    ids, _ = Ranked().recommend(judged, X[judged], N=k)
    rows = {"precision": [], "recall": [], "mrr": [], "hit rate": []}
    for a, best in zip(judged, ids):
        hit = np.isin(best, T[a].indices)
        hit &= ~np.isin(best, X[a].indices)
        rows["precision"].append(hit.sum() / k)
        rows["recall"].append(hit.sum() / T[a].nnz)
        rows["mrr"].append(1 / (1 + np.argmax(hit)) if hit.any() else 0)
        rows["hit rate"].append(float(hit.any()))
    out["metrics"][str(k)] = {n: float(np.mean(v)) for n, v in rows.items()} | {"NDCG": float(theirs["ndcg"]), "MAP": float(theirs["map"])}
areas = []
for a in judged:
    free = np.setdiff1d(np.arange(I), X[a].indices)
    y = np.isin(free, T[a].indices)
    if y.any() and not y.all():
        areas.append(roc_auc_score(y, scores[a][free]))
out["auc"] = float(np.mean(areas))

path = pathlib.Path(__file__).parents[1] / "RecommendTests/Fixtures/recommend.json"
path.parent.mkdir(exist_ok=True)
path.write_text(json.dumps(out, separators=(",", ":")) + "\n")
print(path, path.stat().st_size)
