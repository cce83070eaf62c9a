"""SVD++ of Surprise on generated ratings of ml-1m's shape (6,040 users, 3,706 items, a million ratings, a tenth held out):
20 factors, rate 0.007, regularisation 0.02, 5 epochs. Seconds an epoch and the held-out RMSE; `bench run svdpp/ml1m` reads the
same files. Needs `pip install scikit-surprise` in the peers' environment."""
from common import *

USERS, ITEMS, RATINGS = 6040, 3706, 1_000_209
FACTORS, EPOCHS = 20, 5


def data():
    ds = Dataset("ratings_ml1m")
    if not ds.ready():
        rng = np.random.default_rng(1)
        user_weight, item_weight = rng.pareto(2, USERS) + 0.5, rng.pareto(1.2, ITEMS) + 0.3
        pairs = np.unique(
            rng.choice(USERS, 5 * RATINGS, p=user_weight / user_weight.sum()) * ITEMS
            + rng.choice(ITEMS, 5 * RATINGS, p=item_weight / item_weight.sum()))
        pairs = rng.permutation(pairs)[:RATINGS]
        u, i = pairs // ITEMS, pairs % ITEMS
        p, q = rng.normal(0, 0.35, (USERS, 10)), rng.normal(0, 0.8, (ITEMS, 10))
        r = 3.6 + rng.normal(0, 0.4, USERS)[u] + rng.normal(0, 0.4, ITEMS)[i] + (p[u] * q[i]).sum(1)
        r = np.clip(np.round(r + rng.normal(0, 0.8, len(u))), 1, 5)
        held_out = rng.random(len(u)) < 0.1
        ds.write({f"{part}_{name}": (values[keep], "i32")
                  for part, keep in (("train", ~held_out), ("test", held_out))
                  for name, values in (("users", u), ("items", i), ("ratings", r))})
    return [ds.load(f"{part}_{name}") for part in ("train", "test") for name in ("users", "items", "ratings")]


def surprise(args):
    import pandas as pd
    from surprise import Dataset as Ratings, Reader, SVDpp
    u, i, r, *test = data()
    frame = pd.DataFrame({"u": u, "i": i, "r": r})
    train = Ratings.load_from_df(frame, Reader(rating_scale=(1, 5))).build_full_trainset()
    model = SVDpp(n_factors=FACTORS, n_epochs=EPOCHS, lr_all=0.007, reg_all=0.02, random_state=1)
    start = time.perf_counter()
    model.fit(train)
    seconds = (time.perf_counter() - start) / EPOCHS
    errors = [model.predict(a, b).est - c for a, b, c in zip(*(x.tolist() for x in test))]
    emit("svdpp/ml1m", "surprise", [seconds], {"ratings_per_s": round(len(r) / seconds)},
         {"heldout_rmse": float(np.sqrt(np.mean(np.square(errors))))})


if __name__ == "__main__":
    main({"surprise": surprise}, __doc__)
