"""What is trained on 1, 2 and 3 devices and compared: `python cases.py TIER DEVICES FOLDER` trains it in one process.

The number of devices is fixed when TensorFlow starts, and one strategy a process is advised; so each count of devices
is a process of its own, and the cases share it. The first one, on one device, also keeps where each step began, for
the optimisers that are compared by single steps (see single_steps.py).
"""

from __future__ import annotations

import json
import os
import pickle
import sys
import tempfile
from contextlib import nullcontext
from functools import cache
from pathlib import Path
from typing import NamedTuple

import single_steps

OFFLINE = ("digits", "iris", "diabetes", "wine", "breast_cancer", "moons")  # small ones first


class Case(NamedTuple):
    """One training: 2 epochs of a few steps; by an adaptive optimiser, single steps."""

    model: str
    dataset: str
    sets: tuple[str, ...] = ()
    optimizer: str = "sgd"
    batch_size: int = 20  # 20 over 3 replicas: 6, 7 and 7
    from_disk: bool = False


def family_cases() -> dict[str, Case]:
    """One model of every family in the registry, each with SGD and AdamW, on a dataset that is there without a network.

    Where a family has a knob that drops units, none are dropped: see `DROPPING`.
    """
    from zoo.catalogue.registry import describe, list_models
    from zoo.recipe import load_recipe
    from zoo.recipe.resolve import FROM_DATA

    found: dict[str, Case] = {}
    for family in sorted({describe(name).family for name in list_models()}):
        members = [name for name in list_models() if describe(name).family == family]
        # small as it stands where there is one, else the smallest
        model = min(members, key=lambda name: describe(name).params if describe(name).trial else 0)
        dropping = tuple(f"knobs.{knob}=0.0" for knob in describe(model).knobs if "dropout" in knob)
        trial = describe(model).trial
        dropping += tuple(f"knobs.{knob}={value}" for knob, value in trial.items() if knob not in FROM_DATA)
        dataset, task = dataset_for(model)
        dropping += task
        if load_recipe(dataset).data.text:  # a few hundred texts will do
            dropping += ("data.train=500", "data.test=100")
        for optimizer in ("sgd", "adamw"):
            rate = RATES.get(family, 0.01) if optimizer == "sgd" else 0.001
            sets = (*dropping, *STEADY, f"training.learning_rate={rate}")
            found[f"{family}-{optimizer}"] = Case(model, dataset, sets, optimizer)
    return found


def dataset_for(model: str) -> tuple[str, tuple[str, ...]]:
    """A dataset without a network that a model trains on, and what is to be set for it: its task, if it has another.

    Images are enlarged for a model that takes no smaller ones.
    """
    from zoo.catalogue.registry import describe
    from zoo.errors import UsageError
    from zoo.recipe import list_recipes, load_recipe, resolve

    others = [name for name in list_recipes() if load_recipe(name).data.source.startswith(("sklearn:", "generated:"))]
    least = describe(model).min_size
    enlarged = ((f"preprocessing.resize=[{least},{least}]",),) if least else ()
    for task in ((), *enlarged, *((f"data.task={task}",) for task in describe(model).tasks)):
        for name in (*OFFLINE, *others):
            try:
                resolve(model, name, (*STEADY, *task))
            except UsageError:
                continue
            return name, task
    raise LookupError(f"no dataset without a network: replicas are not compared for {model}")


# of SGD: rounding grows with many normalisations; a loss summed over pixels, or over cells
RATES = {"unet": 0.001, "vae": 0.0001, "yolo": 1e-9}
STEADY = ("training.schedule=constant", "training.warmup_epochs=0", "training.learning_rate=0.01")
PLAIN = (*STEADY, "knobs.hidden_units=[12]", "knobs.dropout=0.0")

SPECIAL = {
    "batch_norm": Case("mlp", "iris", (*PLAIN, "knobs.batch_norm='before'"), batch_size=25),
    "batch_norm_after": Case("mlp", "digits", (*PLAIN, "knobs.batch_norm='after'"), "momentum"),
    "clipped": Case("mlp", "iris", (*PLAIN, "training.clip_norm=0.05"), "adamw", batch_size=16),
    "clipped_sgd": Case("mlp", "digits", (*PLAIN, "training.clip_norm=0.2")),
    "smaller_than_the_replicas": Case("perceptron.1958", "or", (), batch_size=1),
    "smaller_than_the_replicas_images": Case(
        "lenet", "digits", (*STEADY, "training.learning_rate=0.001"), "adamw", batch_size=2
    ),
    "augmented": Case("mlp", "digits", (*PLAIN, "augmentation.shift=2", "augmentation.rotate=10"), "nesterov"),
    "averaged_smoothed_and_flipped_in_turn": Case(
        "mlp",
        "digits",
        (
            *PLAIN,
            "knobs.batch_norm='before'",
            "augmentation.flip=alternate",
            "training.averaging=0.8",
            "training.label_smoothing=0.2",
        ),
        "momentum",
        from_disk=True,
    ),
    "from_disk": Case("mlp", "digits", (*PLAIN, "augmentation.shift=1"), "momentum", from_disk=True),
    "mosaics": Case(  # an image becomes part of others, which are another replica's share
        "yolo.small",
        "scattered",
        (
            *STEADY[:2],
            "training.learning_rate=1e-9",
            "knobs.width=0.125",
            "data.train=80",
            "data.test=12",
            "augmentation.mosaic=0.7",
        ),
    ),
    "penalised": Case("mlp", "iris", (*PLAIN, "knobs.l2=0.01", "knobs.l1=0.001")),
    "one_hot": Case("mlp", "iris", (*PLAIN, "training.loss=mse"), "adam"),
    "scheduled": Case(
        "mlp",
        "iris",
        ("knobs.hidden_units=[12]", "knobs.dropout=0.0", "training.schedule=cosine", "training.warmup_epochs=0.5"),
        "nesterov",
    ),
    "plateau_and_best": Case(
        "mlp",
        "iris",
        (
            *PLAIN,
            "callbacks.reduce_on_plateau={patience=1,factor=0.5}",
            "callbacks.checkpoint={monitor='val_loss'}",
        ),
        "sgd",
    ),
}


HALF = (*STEADY, "knobs.dropout=0.5")
SMALL = ("data.train=500", "data.test=100")

DROPPING = {  # not by AdamW: dropped units leave small gradients, and to divide by these multiplies rounding
    "dropping_mlp": Case("mlp", "digits", HALF, "momentum"),
    "dropping_vgg": Case("vgg.small", "digits", HALF),
    "dropping_lstm": Case("lstm", "parity", (*HALF, *SMALL), "momentum"),
    "dropping_transformer": Case("transformer", "addition", (*HALF, *SMALL), "momentum"),
    "drawn_codes_from_disk": Case(
        "vae", "digits_images", (*STEADY[:2], "training.learning_rate=0.0001"), "momentum", from_disk=True
    ),
    "masked_images": Case("autoencoder.denoising", "digits_images", (*STEADY, "knobs.latent_dim=40"), "momentum"),
    "dropping_smaller_than_the_replicas": Case("mlp", "digits", (*HALF, "knobs.hidden_units=[12]"), batch_size=2),
}
IN_DOUBLE = ("unet-adamw",)  # see single_steps.in_double_precision
# those of whose kind another one is tried quickly; and of the families, those that are not here are slow ones too
QUICK_FAMILIES = ("two_towers",)
RARE = ("batch_norm_after", "penalised", "one_hot", "scheduled", "smaller_than_the_replicas_images",
        "dropping_vgg", "dropping_lstm", "dropping_transformer",
        "drawn_codes_from_disk", "masked_images", "augmented", "mosaics", "plateau_and_best")  # fmt: skip


@cache
def on(tier: str) -> dict[str, Case]:
    """What a tier trains: families by single steps of AdamW, slowly whole by SGD too; and what else may vary."""
    families, others = family_cases(), DROPPING | SPECIAL
    if tier == "slow":
        return families | DROPPING | {name: others[name] for name in RARE}
    quick = {f"{name}-adamw": families[f"{name}-adamw"] for name in QUICK_FAMILIES}
    return quick | {name: case for name, case in others.items() if name not in RARE}


def by_steps(case: Case) -> bool:
    """Whether single steps are compared, in place of a whole training."""
    return case.optimizer in single_steps.ADAPTIVE


def main(tier: str, devices: int, folder: Path) -> None:
    """Train a tier's cases on so many devices and write weights, histories and scores."""
    os.environ["ZOO_CPU_DEVICES"] = str(devices)
    from zoo.training.environment import prepare

    prepare()
    import numpy as np

    kept = None
    if devices > 1:
        with (folder / "states.pickle").open("rb") as file:
            kept = pickle.load(file)
    arrays, facts, states, changes = {}, {}, {}, {}
    for name, case in on(tier).items():
        with single_steps.in_double_precision() if name in IN_DOUBLE else nullcontext():
            fit = make_fit(case, devices, steps=9)
            if by_steps(case):
                states[name], changes[name] = single_steps.take(fit, kept and kept[name])
            else:
                fit()
            weights, outputs, facts[name] = looked_at(fit)
        arrays |= {f"{name}/{i}": np.array(w) for i, w in enumerate(weights)}
        arrays |= {f"{name}/outputs{i}": array for i, array in enumerate(outputs)}
    if devices > 1 and tier == "quick":
        for how, breaking in single_steps.BROKEN.items():
            with breaking():
                changes[how] = single_steps.take(make_fit(SPECIAL["clipped"], devices), kept["clipped"])[1]
    facts |= {"seeds": seeds(devices), "draws": draws(devices)}
    facts |= {"rate": scaled_rate(devices), "refusal": refusal(devices)}
    np.savez(folder / f"{devices}.npz", facts=json.dumps(facts), **arrays)
    for name, found in {"states": states, f"changes{devices}": changes}.items():
        if name != "states" or devices == 1:
            (folder / f"{name}.pickle").write_bytes(pickle.dumps(found))


def looked_at(fit):
    """Weights, outputs for the test split, and what was logged and scored."""
    import keras
    import numpy as np

    from zoo.training.evaluation import make_predict
    from zoo.training.model import core_of

    scores, kept, *_ = fit.evaluate(fit.splits.test)
    x, count = fit.splits.test.x, len(fit.splits.test if kept is None else keras.tree.flatten(kept)[0])
    if kept is None:  # as of tokens, since they are too many
        x = keras.tree.map_structure(lambda array: array[:50], x)
    outputs = keras.tree.flatten(fit.predict(x))
    with tempfile.TemporaryDirectory() as folder:
        fit.model.save(Path(folder) / "model.keras")
        saved = keras.saving.load_model(Path(folder) / "model.keras", compile=False)
    history = {key: values for key, values in fit.history.items() if key != "seconds"}
    again = keras.tree.flatten(make_predict(saved, fit.fields)(x))  # as `zoo eval` does
    apart = max(float(np.abs(a - b).max()) for a, b in zip(again, outputs, strict=True))
    facts = {"history": history, "scores": scores, "scored": count, "in_split": len(fit.splits.test)}
    normalisations = [layer for layer in core_of(saved).layers if isinstance(layer, keras.layers.BatchNormalization)]
    facts |= {"saved_differs_by": apart, "still_synchronized": any(n.synchronized for n in normalisations)}
    return saved.get_weights(), outputs, facts | {"replicas": fit.replicas}


def make_fit(case: Case, devices: int, steps: int | None = None):
    """The training of a case, on one device or on several."""
    from zoo import tasks
    from zoo.recipe import resolve
    from zoo.training.fit import Fit

    options = {"optimizer": case.optimizer, "batch_size": case.batch_size, "epochs": 2, "jit": "off"}
    options["strategy"] = "mirrored" if devices > 1 else "one"
    recipe = resolve(case.model, case.dataset, case.sets, options)[0]
    splits = tasks.load(recipe.data, case.dataset)
    return Fit(recipe, on_disk(splits) if case.from_disk else splits, None, (), steps)


def on_disk(splits):
    """The same examples, the inputs in files."""
    import numpy as np

    from zoo.data import Examples, Splits
    from zoo.data.stored import Stored

    with tempfile.TemporaryDirectory() as folder:  # an open file outlives its name
        stored = []
        for name, part in splits.by_name().items():
            np.save(Path(folder) / f"{name}.npy", part.x)
            stored.append(Examples(Stored(Path(folder) / f"{name}.npy"), part.y))
    return Splits(*stored)


def seeds(devices: int):
    """Each replica's state of the dropout layer's seed generator: after training, and after a checkpoint's state."""
    from zoo.training import state
    from zoo.training.distribution import replicas

    case = Case("mlp", "iris", (*STEADY, "knobs.hidden_units=[12]", "knobs.dropout=0.5"))
    fit = make_fit(case, devices, steps=2)
    fit()

    def look():
        (generator,) = replicas.layers_of(fit.model, replicas.keras.random.SeedGenerator)
        return [v.numpy().tolist() for v in fit.strategy.experimental_local_results(generator.state.value)]

    before, saved = look(), state.gather(fit._variables(), ())
    state.put_back(saved, fit._variables(), ())
    return [before, look()]


def drawing_layers():
    """Layers of Keras that draw random numbers, on sequences (batch, 4, 6): their outputs and names."""
    from keras import layers

    inputs = layers.Input((4, 6))
    every = [
        layers.Dropout(0.5, noise_shape=(None, 1, 6)),
        layers.SpatialDropout1D(0.5),
        layers.AlphaDropout(0.5),
        layers.GaussianDropout(0.5),
        layers.GaussianNoise(0.5),
        layers.SimpleRNN(3, dropout=0.5, recurrent_dropout=0.5),
        layers.LSTM(3, dropout=0.5, recurrent_dropout=0.5),
        layers.GRU(3, dropout=0.5, recurrent_dropout=0.5, return_sequences=True),
        layers.RNN([layers.LSTMCell(3, dropout=0.5), layers.GRUCell(3, recurrent_dropout=0.5)]),
        layers.Bidirectional(layers.LSTM(3, recurrent_dropout=0.5)),
    ]
    outputs = {layer.name: layer(inputs) for layer in every}
    outputs["multi_head"] = layers.MultiHeadAttention(2, 3, dropout=0.5)(inputs, inputs)
    outputs["attention"] = layers.Attention(dropout=0.5)([inputs, inputs])
    return inputs, outputs


def draws(devices: int):
    """What each of these layers makes of a batch of 5 in training, twice in a row: all replicas' rows put together."""
    import keras
    import numpy as np
    import tensorflow as tf

    from zoo.training.distribution.replicas import share
    from zoo.training.distribution.strategy import make_strategy
    from zoo.training.draws import drawn_as_one

    x = np.random.default_rng(0).normal(size=(5, 4, 6)).astype("float32")
    strategy = make_strategy("mirrored" if devices > 1 else "one")[0]
    keras.utils.set_random_seed(1)
    with strategy.scope():
        inputs, outputs = drawing_layers()
        model = keras.Model(inputs, outputs)

    def forward(whole):
        first, count = share(5) if devices > 1 else (0, 5)
        return model(whole[first : first + count], training=True)

    @tf.function
    def run(whole):
        return strategy.run(forward, args=(whole,))

    with drawn_as_one(model, 5) if devices > 1 else nullcontext():
        found = [run(tf.constant(x)) for _ in range(2)]
    return {
        name: [np.concatenate(strategy.experimental_local_results(some[name])).tolist() for some in found]
        for name in outputs
    }


def scaled_rate(devices: int):
    """The learning rate that --scale-learning-rate makes of 0.01, and what is said of it."""
    fit = make_fit(Case("mlp", "iris", (*PLAIN, "training.scale_learning_rate=true")), devices)
    return [float(fit.model.optimizer.learning_rate.numpy()), fit.strategy_text]


def refusal(devices: int):
    """What is said of batch normalisation where the batch leaves a replica without an example."""
    from zoo.errors import UsageError

    try:
        make_fit(SPECIAL["batch_norm"]._replace(batch_size=1), devices)
    except UsageError as error:
        return str(error)
    return ""


if __name__ == "__main__":
    main(sys.argv[1], int(sys.argv[2]), Path(sys.argv[3]))
