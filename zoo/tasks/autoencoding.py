"""Autoencoding: give an image back through a code, and learn by that what images are made of.

What is to be given back is the network's own input, as preprocessing leaves it; labels, where there are any, colour
pictures and are not learnt from. With the loss `elbo` the code is drawn from a Gaussian and the loss has two parts,
shown apart: `reconstruction` and `kl`, both in nats an image (Kingma and Welling 2014; see `zoo.tasks.elbo`).

A network of this task has layers called `encoder` and `decoder`, and pixels from 0 to 1 on both ends.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

from zoo.data.fields import Field
from zoo.data.options import checked
from zoo.errors import UsageError
from zoo.tasks.task import Further, Look, Plan, Task

if TYPE_CHECKING:
    import keras
    import numpy as np

    from zoo.catalogue.spec import DataSpec
    from zoo.data.config import Data
    from zoo.data.examples import Examples, Source, Splits
    from zoo.data.text.encoding import Vocabularies
    from zoo.recipe.schema import Resolved
    from zoo.tasks.steps import Step

ELBO = "elbo"
OPTIONS = {"binarize": "none", "seed": 0}  # of the data: see zoo.data.binarizing
SHOWN = 10  # images beside what was made of them
PAIRS, STAGES = 6, 11  # walks between two images, and pictures on each
SAMPLES = 100  # new images
SIDE = 20  # pictures along each axis of a code of two numbers


class Autoencoding(Task):
    """The input again, through a code."""

    name = "autoencoding"
    answers_in_files = True
    kinds = ("image",)
    losses = ("mse", "mae", "huber", "binary_crossentropy", ELBO)
    needs_targets = False
    no_transfer = "its network gives back the image itself, and has no output layer that could be replaced"
    no_script = "its loss is made of the network's halves, which a script would have to restate"

    def target(self, data: Data) -> Field:
        """A label that is known and not learnt from; 0 where there are none."""
        return Field("y", "label", (), "int32")

    def suits(self, data: Data, role: str) -> bool:
        return False

    def logged(self, data: Data, loss: str) -> tuple[str, ...]:
        return ("reconstruction", "kl") if loss == ELBO else ("mse",)

    def offers(self, spec: DataSpec) -> dict[str, Any]:
        return {"input_shape": spec.input_shape}

    def mistakes(self, data: Data) -> list[str]:
        from zoo.data.binarizing import WAYS

        try:
            how = checked("images", data.options, OPTIONS)["binarize"]
        except UsageError as error:
            return [str(error).splitlines()[0]]
        unknown = [f"data.options.binarize = {how!r} is not one of {', '.join(WAYS)}"] if how not in WAYS else []
        return [*super().mistakes(data), *unknown]

    def contradictions(self, recipe: Resolved) -> list[str]:
        from zoo.catalogue.registry import describe

        steps, found = recipe.preprocessing, []
        if recipe.data.input_dtype == "uint8" and (steps.rescale != 255 or steps.standardize != "none"):
            found.append(
                "preprocessing: images are given back as pixels from 0 to 1: rescale = 255, nothing standardised"
            )
        samples = describe(recipe.model).defaults.get("loss") == ELBO
        if (recipe.training.loss == ELBO) != samples:
            wanted = f"{ELBO}, the only one that fits it" if samples else "another one: its code is no sample"
            found.append(f"training.loss: {recipe.model} takes {wanted}")
        return found

    def next_command(self, run: str, kind: str) -> str:
        return f"restore: zoo predict {run} IMAGE.png"

    def encode(self, source: Source, data: Data, name: str, known: Vocabularies | None = None) -> Splits:
        from zoo.data.binarizing import binarized

        how = checked("images", data.options, OPTIONS)
        return super().encode(binarized(source, how["binarize"], int(how["seed"])), data, name, known)

    def steps(self, model: keras.Model, optimizer: keras.optimizers.Optimizer, data: Data, loss: str) -> list[Step]:
        from zoo.tasks.halves import Halves

        return [Halves(model).training_step(optimizer, loss)]

    def scorer(self, model: keras.Model, data: Data, loss: str) -> Callable[[Any, Any], Any] | None:
        from zoo.tasks.halves import Halves

        return Halves(model).scorer(loss)

    def further(
        self, model: keras.Model, data: Data, splits: Splits, part: str, measured: Mapping[str, float]
    ) -> Further:
        """Of a code that is drawn the evidence's lower bound and its estimate by importance sampling; of others what as
        many principal components would give, and how well images are restored that are corrupted as in training."""
        from zoo.tasks.elbo import log_likelihood
        from zoo.tasks.halves import Halves, component_error, restored

        halves, x = Halves(model), splits.by_name()[part].x
        if "kl" in measured:
            bound = -(measured["reconstruction"] + measured["kl"])
            return Further({ELBO: bound, "log_likelihood": log_likelihood(halves, x)}, [])
        return Further(component_error(halves, splits.train.x, x) | restored(halves, x), [])

    def rows(self, path: Path, outputs: np.ndarray, data: Data, loss: str, out: Path) -> list[dict[str, Any]]:
        """The image that the model gives for each, written as a PNG into the folder `out`.

        Raises:
            UsageError: a file of that name is there already.
        """
        from zoo.data.folder import write_image

        numbers = [""] if len(outputs) == 1 else [f"-{number}" for number in range(1, len(outputs) + 1)]
        targets = [out / f"{path.stem}-restored{number}.png" for number in numbers]
        if taken := next((target for target in targets if target.exists()), None):
            raise UsageError(f"{taken} exists already; nothing is overwritten\nname another folder with --out")
        for target, image in zip(targets, (255 * outputs).round().astype("uint8"), strict=True):
            write_image(image, target)
        return [{"prediction": str(target)} for target in targets]

    def shown(self, test: Examples, outputs: Any, data: Data, loss: str) -> np.ndarray:
        """The first ones, and those between which walks go."""
        import numpy as np

        return np.union1d(super().shown(test, outputs, data, loss), _pairs(test.y))

    def pictures(self, look: Look) -> Iterator[Plan]:
        """Images and what was made of them, walks between two; of drawn codes new images; of two numbers the plane."""
        from zoo.drawing import codes
        from zoo.tasks.halves import Halves

        test, found, halves = look.test, look.outputs, Halves(look.model)
        if not len(test) or found is None:
            return
        first = test.x[: min(SHOWN, len(test))]
        yield "reconstructions.png", "Given and restored", lambda: codes.rows(halves.restorations(first))
        if len(pairs := _pairs(test.y)):
            ends = found[pairs.reshape(-1)].reshape(*pairs.shape, -1)
            yield "walks.png", "From one image to another", lambda: codes.walks(halves.walks(ends, STAGES))
        if look.loss == ELBO:
            yield "samples.png", "New images", lambda: codes.sheet(halves.samples(SAMPLES))
        if halves.code_size == 2:
            labels, names = test.y[:], look.data.class_names
            yield "codes.png", "Codes", lambda: codes.scatter(found[:], labels, names)
            yield "plane.png", "The plane of codes", lambda: codes.grid(halves.plane(found[:], SIDE))


def _pairs(labels: Any) -> np.ndarray:
    """Row numbers of two images each, (pairs, 2), of different classes where there are several."""
    import numpy as np

    _, first = np.unique(labels[:], return_index=True)
    rows = np.sort(first) if len(first) > 1 else np.arange(len(labels))
    count = min(PAIRS, len(rows) // 2)
    return rows[: 2 * count].reshape(-1, 2)


TASKS = (Autoencoding(),)
