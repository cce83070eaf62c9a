"""What implicit reaches on MovieLens ml-latest-small (all ratings as interactions) after a search on the dev part.

    recommend_search.py FOLDER     with train.csv.gz, dev.csv.gz, test.csv.gz

Prints NDCG@10 on dev of every candidate and on test of the best one of each kind. Writes nothing.
"""
import itertools
import os
import sys

os.environ["OPENBLAS_NUM_THREADS"] = "1"
import numpy as np
import pandas as pd
import scipy.sparse as sp
from implicit.cpu.als import AlternatingLeastSquares
from implicit.cpu.bpr import BayesianPersonalizedRanking
from implicit.evaluation import ranking_metrics_at_k
from implicit.nearest_neighbours import BM25Recommender, CosineRecommender, TFIDFRecommender

train, dev, test = (pd.read_csv(f"{sys.argv[1]}/{n}.csv.gz") for n in ("train", "dev", "test"))
users = {u: n for n, u in enumerate(dict.fromkeys(pd.concat([train, dev, test]).userId))}
items = {i: n for n, i in enumerate(dict.fromkeys(pd.concat([train, dev, test]).movieId))}


def matrix(table):
    ij = (table.userId.map(users).to_numpy(), table.movieId.map(items).to_numpy())
    return sp.csr_matrix((np.ones(len(table), np.float32), ij), shape=(len(users), len(items)))


X, D, T = matrix(train), matrix(dev), matrix(test)


def ndcg(model, part):
    return ranking_metrics_at_k(model, X, part, K=10, show_progress=False, num_threads=2)["ndcg"]


kinds = {
    "knn": [lambda c=c, k=k: c(K=k) for c in (CosineRecommender, TFIDFRecommender, BM25Recommender) for k in (20, 50, 100, 200)],
    "als": [
        lambda f=f, a=a, r=r: AlternatingLeastSquares(factors=f, alpha=a, regularization=r, iterations=12, random_state=1, num_threads=2)
        for f, a, r in itertools.product((16, 32, 64), (2, 5, 10, 20), (0.1, 1, 10, 30))
    ],
    "bpr": [
        lambda f=f, r=r, n=n: BayesianPersonalizedRanking(factors=f, learning_rate=0.05, regularization=r, iterations=n, random_state=1, num_threads=1)
        for f, r, n in itertools.product((16, 32), (0.01, 0.003), (60, 200))
    ],
}
for kind, makers in kinds.items():
    best = (0, None)
    for n, make in enumerate(makers):
        model = make()
        model.fit(X, show_progress=False)
        value = ndcg(model, D)
        print(kind, n, round(value, 4), flush=True)
        if value > best[0]:
            best = (value, model, n)
    print("BEST", kind, best[2], "dev", round(best[0], 4), "test", round(ndcg(best[1], T), 4), flush=True)
