"""The Keras listing of every textbook, and Keras' variants of optimizers and losses.

Command:   python keras_listing.py [--out DIR]
Versions:  keras 3.15.1 on its torch backend (torch 2.13.0), float32 unless noted. On TensorFlow, Keras' optimizers square the
           gradient of an embedding occurrence by occurrence instead of its sum (IndexedSlices are not added up first), so Adam
           with a token twice in a batch differs there from Keras' other backends, PyTorch and the paper.

Produces
  keras-optimizers.safetensors  after.NAME.weight [3, 5], after.NAME.bias [4]: ten steps from the start and the gradients of
                                optimizers.safetensors, for each NAME of `OPTIMIZERS` below
  keras-losses.safetensors      float64: probabilities [6, 1] (0 and 1 among them), zero_one [6, 1], weights [6], rows [5, 4] (not
                                summing to one), classes [5]; NAME.loss [1], NAME.gradient
  keras-listing.safetensors     x i32 [44, 9], y i32 [44]; for each of the models `lstm`, `gru` (Embedding, recurrent layer of 7,
                                Dense(1, sigmoid), binary cross-entropy) and `flat` (Embedding, Flatten, Dense(8, relu),
                                Dense(3, softmax), sparse categorical cross-entropy with y3 i32 [44]):
                                NAME.start.LAYER.KIND and NAME.after.LAYER.KIND, KIND as Keras calls it; NAME.losses [24]: 4
                                epochs of 6 batches of 8 in order, Adam(0.01); NAME.predictions at the end
"""
import os

os.environ["KERAS_BACKEND"] = "torch"

import keras
import numpy as np
import torch
from safetensors.numpy import load_file

from reference_common import options, save_tensors

OPTIMIZERS = {
    "sgd-nesterov": lambda: keras.optimizers.SGD(0.1, momentum=0.8, nesterov=True),
    "adam": lambda: keras.optimizers.Adam(0.05),
    "rmsprop": lambda: keras.optimizers.RMSprop(0.05),
    "rmsprop-centered": lambda: keras.optimizers.RMSprop(0.02, momentum=0.7, centered=True),
    "adagrad": lambda: keras.optimizers.Adagrad(0.1),
    "lion": lambda: keras.optimizers.Lion(0.01),
}


def optimizers(given):
    out = {}
    for name, make in OPTIMIZERS.items():
        variables = [keras.Variable(given["start.weight"]), keras.Variable(given["start.bias"])]
        optimizer = make()
        optimizer.build(variables)
        for step in range(10):
            optimizer.apply([torch.tensor(given["gradient.weight"][step]), torch.tensor(given["gradient.bias"][step])])
        out[f"after.{name}.weight"], out[f"after.{name}.bias"] = [keras.ops.convert_to_numpy(v).copy() for v in variables]
    return out


def losses():
    keras.backend.set_floatx("float64")
    rng = np.random.default_rng(3)
    p = np.array([[0.0], [1.0], [0.3], [0.9], [1.0], [1e-9]])
    t = np.array([[1.0], [1.0], [0.0], [1.0], [0.0], [0.0]])
    weights = np.array([1, 0.5, 2, 0, 3, 0.25])
    rows, classes = rng.uniform(0.05, 1, (5, 4)), np.array([0, 3, 1, 1, 2])
    out = dict(probabilities=p, zero_one=t, weights=weights, rows=rows, classes=classes)
    cases = {
        "bce": (p, lambda y: keras.losses.BinaryCrossentropy(dtype="float64")(t, y)),
        "bce-weighted": (p, lambda y: keras.losses.BinaryCrossentropy(dtype="float64")(t, y, sample_weight=weights)),
        "cce": (rows, lambda y: keras.losses.CategoricalCrossentropy(dtype="float64")(np.eye(4)[classes], y)),
        "focal": (p, lambda y: keras.losses.BinaryFocalCrossentropy(
            apply_class_balancing=True, alpha=0.25, gamma=2.0, dtype="float64")(t, y)),
        "huber": (p, lambda y: keras.losses.Huber(delta=0.4, dtype="float64")(t, y)),
        "hinge": (p, lambda y: keras.losses.Hinge(dtype="float64")(t, y)),
    }
    for name, (start, case) in cases.items():
        y = torch.tensor(start, requires_grad=True)
        loss = case(y)
        loss.backward()
        out[f"{name}.loss"] = loss.reshape(1)
        out[f"{name}.gradient"] = y.grad
    keras.backend.set_floatx("float32")
    return out


def listing():
    rng = np.random.default_rng(4)
    x = rng.integers(0, 50, (44, 9)).astype(np.int32)
    y = (x[:, 0] + x[:, 4] > 49).astype(np.int32)
    y3 = (x[:, 1] % 3).astype(np.int32)
    out = dict(x=x, y=y, y3=y3)
    layers = keras.layers
    models = {
        "lstm": (lambda: [layers.Embedding(50, 6), layers.LSTM(7), layers.Dense(1, activation="sigmoid")], y, "binary_crossentropy"),
        "gru": (lambda: [layers.Embedding(50, 6), layers.GRU(7), layers.Dense(1, activation="sigmoid")], y, "binary_crossentropy"),
        "flat": (lambda: [layers.Embedding(50, 6), layers.Flatten(), layers.Dense(8, activation="relu"),
                          layers.Dense(3, activation="softmax")], y3, "sparse_categorical_crossentropy"),
    }
    for name, (make, target, loss) in models.items():
        keras.utils.set_random_seed(5)
        model = keras.Sequential([keras.Input((9,), dtype="int32")] + make())
        start = [w.copy() for w in model.get_weights()]

        def save(stage):
            for index, layer in enumerate(model.layers):
                for variable in layer.weights:
                    out[f"{name}.{stage}.{index}.{variable.name}"] = keras.ops.convert_to_numpy(variable).copy()

        save("start")
        # Losses batch by batch, then the same run by fit, which must end at the same weights.
        optimizer, function = keras.optimizers.Adam(0.01), keras.losses.get(loss)
        optimizer.build(model.trainable_variables)
        values = []
        for _ in range(4):
            for first in range(0, 44, 8):
                xb, yb = x[first:first + 8], target[first:first + 8]
                model.zero_grad()
                value = function(yb[:, None] if loss.startswith("binary") else yb, model(xb)).mean()
                value.backward()
                with torch.no_grad():
                    optimizer.apply([v.value.grad for v in model.trainable_variables])
                values.append(value.item())
        by_hand = [w.copy() for w in model.get_weights()]
        model.set_weights(start)
        model.compile(optimizer=keras.optimizers.Adam(0.01), loss=loss)
        model.fit(x, target, batch_size=8, epochs=4, shuffle=False, verbose=0)
        for a, b in zip(by_hand, model.get_weights()):
            assert np.abs(a - b).max() < 1e-4, np.abs(a - b).max()
        save("after")
        out[f"{name}.losses"] = np.array(values, np.float32)
        out[f"{name}.predictions"] = model.predict(x, verbose=0)
    return out


if __name__ == "__main__":
    args = options(__doc__).parse_args()
    save_tensors(args.out / "keras-optimizers.safetensors", optimizers(load_file(args.out / "optimizers.safetensors")))
    save_tensors(args.out / "keras-losses.safetensors", losses())
    save_tensors(args.out / "keras-listing.safetensors", listing())
