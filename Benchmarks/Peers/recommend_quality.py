"""What implicit's models reach where there are users enough to tell: 20,000 generated users with tastes of rank 12 over 1,500
items, each takes the 30 items with the largest taste + popularity + noise. Options are chosen by NDCG@10 on a part held out
(a tenth), judged once on another; `bench run recommend_quality/rank12` reads the same files."""
from common import *

USERS, ITEMS, RANK, TAKEN = 20_000, 1_500, 12, 30
PARTS = ("train", "dev", "test")


def data():
    ds = Dataset("recommend_quality")
    if not ds.ready():
        rng = np.random.default_rng(3)
        x, y = rng.normal(size=(USERS, RANK)), rng.normal(0, 0.4, (ITEMS, RANK))
        scores = x @ y.T + rng.normal(size=ITEMS) + rng.normal(size=(USERS, ITEMS))
        items = np.argpartition(-scores, TAKEN, axis=1)[:, :TAKEN].ravel()
        users = np.repeat(np.arange(USERS), TAKEN)
        part = rng.choice(3, len(users), p=[0.81, 0.09, 0.1])
        ds.write({f"{name}_{kind}": (values[part == n], "i32")
                  for n, name in enumerate(PARTS) for kind, values in (("users", users), ("items", items))})
    return [[ds.load(f"{name}_{kind}") for kind in ("users", "items")] for name in PARTS]


def implicit(args):
    import scipy.sparse as sp
    from implicit.cpu.als import AlternatingLeastSquares
    from implicit.evaluation import ranking_metrics_at_k
    from implicit.nearest_neighbours import BM25Recommender, CosineRecommender, TFIDFRecommender
    train, dev, test = (
        sp.csr_matrix((np.ones(len(u), np.float32), (u, i)), shape=(USERS, ITEMS)) for u, i in data())

    def ndcg(model, part):
        return float(ranking_metrics_at_k(model, train, part, K=10, show_progress=False, num_threads=2)["ndcg"])

    kinds = {
        "knn": [kind(K=k) for k in (20, 50, 100, 200) for kind in (CosineRecommender, TFIDFRecommender, BM25Recommender)],
        "als": [AlternatingLeastSquares(factors=f, alpha=a, regularization=r, iterations=12, random_state=1, num_threads=2)
                for f in (16, 32) for a in (2, 5, 10, 20) for r in (0.1, 1, 10)],
    }
    start, quality = time.perf_counter(), {}
    for kind, models in kinds.items():
        best = (0, None)
        for model in models:
            model.fit(train, show_progress=False)
            best = max(best, (ndcg(model, dev), model), key=lambda pair: pair[0])
        quality[kind] = ndcg(best[1], test)
    emit("recommend_quality/rank12", "implicit", [time.perf_counter() - start], {}, quality)


if __name__ == "__main__":
    main({"implicit": implicit}, __doc__)
