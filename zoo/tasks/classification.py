"""Classification: which of some classes an example belongs to, by one sigmoid, a softmax or several sigmoids."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from functools import partial
from typing import TYPE_CHECKING, Any

from zoo.data.fields import Field
from zoo.tasks.targets import columns, indicators
from zoo.tasks.task import Answer, Look, Plan, Task, outputs

if TYPE_CHECKING:
    import numpy as np

    from zoo.catalogue.spec import DataSpec
    from zoo.data.config import Data
    from zoo.data.examples import Examples, Splits
    from zoo.tasks.objective import Objective

LIKELY = 0.5  # probability above which a label is given
SCORE_LOSSES = ("hinge", "perceptron")  # the model gives a score whose sign decides
PIPELINES = {"image": "image-classification", "tabular": "tabular-classification", "text": "text-classification"}


class _Classes(Task):
    """What both forms share."""

    kinds = ("tabular", "image", "text", "mixed")
    has_classes = True
    takes_weights = True
    is_head = True

    def target(self, data: Data) -> Field:
        return Field("y", "label", (), "int32")

    def pipeline(self, kind: str) -> str:
        return PIPELINES[kind]

    def shown(self, test: Examples, outputs: Any, data: Data, loss: str) -> np.ndarray:
        """The most confident mistakes."""
        from zoo.drawing.outcome import most_confident_mistakes

        return most_confident_mistakes(test.y, class_scores(outputs, loss))

    def details(self, data: Data, loss: str, splits: Splits, part: str, outputs: Any) -> dict[str, Any]:
        from zoo.tasks.details import of_classes

        y, scores = splits.by_name()[part].y, class_scores(outputs, loss)
        return of_classes(y, scores, self.class_names(data), splits.train.y, loss not in SCORE_LOSSES)

    def baselines(self, data: Data, splits: Splits, measured: Mapping[str, Any], asked: bool) -> list[dict[str, Any]]:
        from zoo.tasks.baselines import of_classes, scored

        return scored(of_classes(data, splits), splits, "accuracy", asked)

    def by_example(self, wanted: Any, outputs: Any, data: Data, loss: str) -> dict[str, np.ndarray]:
        return {"accuracy": (class_scores(outputs, loss).argmax(axis=1) == wanted.reshape(-1)).astype(float)}

    def answers(self, wanted: Any, outputs: Any, data: Data, loss: str) -> dict[str, list[Answer]]:
        names, said = self.class_names(data), self.words(outputs, data, loss)
        truth = (names[label] for label in wanted.reshape(-1))
        return {"accuracy": [Answer(name, row["prediction"], row.get("probability", 0.0))
                             for name, row in zip(truth, said, strict=True)]}  # fmt: skip

    def pictures(self, look: Look) -> Iterator[Plan]:
        """Confusions and reliability; of images the most confident mistakes, of a plane the regions of the classes."""
        from zoo.drawing.calibration import reliability
        from zoo.drawing.outcome import confusion_matrix, mistakes
        from zoo.drawing.plane import decision_boundary

        test, names = look.test, look.data.class_names
        if look.outputs is None or not len(test):
            return
        shares = class_scores(look.outputs, look.loss)
        yield (
            "confusion_matrix.png",
            "Confusion matrix",
            lambda: confusion_matrix(test.y, shares.argmax(1), names),
        )
        if rows := look.details.get("reliability"):
            error = look.details["numbers"]["calibration_error"]
            yield "reliability.png", "Reliability", lambda: reliability(rows, error)
        if look.data.kind == "image":
            yield "mistakes.png", "Most confident mistakes", lambda: mistakes(test.x, test.y, shares, names)
        if look.data.kind == "tabular" and look.data.input_shape == (2,):
            yield (
                "decision_boundary.png",
                "Decision boundary",
                lambda: decision_boundary(
                    lambda points: class_scores(outputs(look.model, points), look.loss), test.x, test.y, names
                ),
            )

    def mistakes_shown(self, look: Look) -> list[dict[str, Any]]:
        from zoo.drawing.tables import mistake_table

        test, texts = look.test, look.raw.x if look.raw else None
        if look.outputs is None or not len(test) or look.data.kind == "image":
            return []
        shares = class_scores(look.outputs, look.loss)
        return mistake_table(test.x, test.y, shares, self.class_names(look.data), look.data.feature_names, texts)


class Softmax(_Classes):
    """One of several classes: the output is a probability for each."""

    name = "classification"
    losses = ("sparse_categorical_crossentropy", "categorical_crossentropy", "categorical_focal_crossentropy",
              "kl_divergence", "mse", "mae", "huber")  # fmt: skip

    def head(self, spec: DataSpec) -> tuple[int, str]:
        assert spec.num_classes is not None
        return spec.num_classes, "softmax"

    def suits(self, data: Data, role: str) -> bool:
        return super().suits(data, role) and data.num_classes != 2 and not data.several_labels

    def mistakes(self, data: Data) -> list[str]:
        return [*super().mistakes(data), *(["num_classes is missing"] if data.num_classes is None else [])]

    def objective(self, data: Data, loss: str) -> Objective:
        import keras

        from zoo.tasks.objective import Objective, exact_loss, example_loss

        indicators = self._wants_indicators(loss)
        metrics = keras.metrics
        kind = metrics.CategoricalAccuracy if indicators else metrics.SparseCategoricalAccuracy
        return Objective(example_loss(loss), [kind(name="accuracy")], exact_loss(loss))

    def target_form(self, data: Data, loss: str) -> partial[np.ndarray] | None:
        """Class ids (n,), or for losses that compare vectors indicators (n, num_classes)."""
        return partial(indicators, classes=data.num_classes or 2) if self._wants_indicators(loss) else None

    @staticmethod
    def _wants_indicators(loss: str) -> bool:
        return loss != "sparse_categorical_crossentropy"

    def words(self, outputs: np.ndarray, data: Data, loss: str) -> list[dict[str, Any]]:
        names = self.class_names(data)
        return [_named(int(row.argmax()), row, names) for row in outputs]


class Sigmoid(_Classes):
    """One of two classes: the output is the probability of the second, or of some losses a score."""

    name = "binary"
    losses = ("binary_crossentropy", "binary_focal_crossentropy", "hinge", "perceptron", "mse", "mae", "huber")

    def head(self, spec: DataSpec) -> tuple[int, str]:
        return 1, "sigmoid"

    def suits(self, data: Data, role: str) -> bool:
        return super().suits(data, role) and not data.several_labels

    def mistakes(self, data: Data) -> list[str]:
        found = super().mistakes(data)
        is_two = data.num_classes in (None, 2)
        return found if is_two else [*found, f"a binary task has 2 classes, not {data.num_classes}"]

    def objective(self, data: Data, loss: str) -> Objective:
        import keras

        from zoo.tasks.objective import Objective, exact_loss, example_loss

        accuracy = keras.metrics.BinaryAccuracy(name="accuracy", threshold=threshold(loss))
        return Objective(example_loss(loss), [accuracy], exact_loss(loss))

    def target_form(self, data: Data, loss: str) -> partial[np.ndarray]:
        """0 or 1, (n, 1)."""
        return partial(columns)

    def words(self, outputs: np.ndarray, data: Data, loss: str) -> list[dict[str, Any]]:
        names, rows = self.class_names(data), []
        for value in outputs.reshape(-1):
            label = int(value > threshold(loss))
            if loss in SCORE_LOSSES:
                rows.append({"prediction": names[label], "score": float(value)})
            else:
                rows.append(_named(label, [1.0 - value, value], names))
        return rows


class Sigmoids(_Classes):
    """Any number of several labels: the output is a probability for each, by itself."""

    name = "multilabel"
    has_several_labels = True
    is_head = False
    losses = ("binary_crossentropy", "binary_focal_crossentropy", "mse", "mae")
    metrics = ("subset_accuracy", "micro_f1", "macro_f1")
    no_script = "the metrics of several labels an example are not written into scripts"

    def target(self, data: Data) -> Field:
        return Field("y", "label", (data.num_classes or 2,), "int32")

    def suits(self, data: Data, role: str) -> bool:
        return super().suits(data, role) and data.several_labels

    def mistakes(self, data: Data) -> list[str]:
        wrong = super().mistakes(data)
        if not data.several_labels:
            wrong.append(f"task = {self.name!r} needs several_labels = true")
        if data.classes or data.examples_a_class:
            wrong.append("classes and examples_a_class have no meaning where an example has several labels")
        return wrong

    def head(self, spec: DataSpec) -> tuple[int, str]:
        assert spec.num_classes is not None
        return spec.num_classes, "sigmoid"

    def objective(self, data: Data, loss: str) -> Objective:
        """The loss is the mean over the labels; an F1 is over the examples so far."""
        import keras
        import numpy as np

        from zoo.tasks.objective import Objective, exact_loss, example_loss

        shares: dict[str, Any] = {"micro_f1": "micro", "macro_f1": "macro"}
        scores = [keras.metrics.F1Score(average, LIKELY, name=name) for name, average in shares.items()]
        for score in scores:  # its counts are made when it first sees how many labels there are
            score.update_state(np.zeros((1, data.num_classes or 2)), np.zeros((1, data.num_classes or 2)))
            score.reset_state()
        whole = keras.metrics.MeanMetricWrapper(_all_right, name="subset_accuracy")
        return Objective(example_loss(loss), [whole, *scores], exact_loss(loss))

    def targets(self, y: np.ndarray, data: Data, loss: str) -> np.ndarray:
        """0 or 1, (n, labels)."""
        return y.astype("float32")

    def from_outputs(self, examples: Examples, outputs: Any, data: Data, loss: str) -> dict[str, float]:
        """Mean average precision: over the labels that the examples have, the area under precision and recall."""
        from sklearn.metrics import average_precision_score

        there = examples.y.any(axis=0)
        found = float(average_precision_score(examples.y[:, there], outputs[:, there])) if there.any() else 0.0
        return {"mean_average_precision": found}

    def by_example(self, wanted: Any, outputs: Any, data: Data, loss: str) -> dict[str, np.ndarray]:
        return {"subset_accuracy": ((outputs > LIKELY) == (wanted > 0)).all(axis=1).astype(float)}

    def answers(self, wanted: Any, outputs: Any, data: Data, loss: str) -> dict[str, list[Answer]]:
        truth, said = (self.words(shares, data, loss) for shares in (wanted, outputs))
        return {"subset_accuracy": [Answer(true["prediction"] or "none", row["prediction"] or "none")
                                    for true, row in zip(truth, said, strict=True)]}  # fmt: skip

    def baselines(self, data: Data, splits: Splits, measured: Mapping[str, Any], asked: bool) -> list[dict[str, Any]]:
        """None of several labels."""
        return []

    def details(self, data: Data, loss: str, splits: Splits, part: str, outputs: Any) -> dict[str, Any]:
        from zoo.tasks.details import of_labels

        return of_labels(splits.by_name()[part].y, outputs > LIKELY, self.class_names(data))

    def words(self, outputs: np.ndarray, data: Data, loss: str) -> list[dict[str, Any]]:
        names, parted = self.class_names(data), data.label_separator or "|"
        return [
            {
                "prediction": parted.join(name for name, share in zip(names, row, strict=True) if share > LIKELY),
                "probabilities": {name: float(share) for name, share in zip(names, row, strict=True)},
            }
            for row in outputs
        ]

    def shown(self, test: Examples, outputs: Any, data: Data, loss: str) -> np.ndarray:
        """None by itself."""
        import numpy as np

        return np.arange(0)

    def pictures(self, look: Look) -> Iterator[Plan]:
        """How well each label is found."""
        from zoo.drawing.outcome import label_scores

        test, names = look.test, self.class_names(look.data)
        if look.outputs is not None and len(test):
            shares = look.outputs
            yield "labels.png", "Labels", lambda: label_scores(test.y, shares > LIKELY, names)

    def mistakes_shown(self, look: Look) -> list[dict[str, Any]]:
        return []


def _all_right(y: Any, outputs: Any) -> Any:
    """1 for each example all of whose labels are right, (batch,)."""
    from keras import ops

    return ops.cast(ops.all(ops.equal(ops.cast(y, "bool"), outputs > LIKELY), axis=-1), "float32")


def class_scores(scores: np.ndarray, loss: str) -> np.ndarray:
    """One column a class: `(n, classes)` as it is, `(n, 1)` as (1 - p, p), or as (-s, s) for a margin loss's scores."""
    import numpy as np

    scores = np.asarray(scores, dtype=float)
    scores = scores if scores.ndim == 2 else scores[:, None]
    if scores.shape[1] > 1:
        return scores
    return np.hstack([-scores, scores] if loss in SCORE_LOSSES else [1 - scores, scores])


def threshold(loss: str) -> float:
    """Output above which a model of two classes says the second: 0 for scores, 0.5 for probabilities."""
    return 0.0 if loss in SCORE_LOSSES else 0.5


def _named(label: int, shares: Any, names: tuple[str, ...]) -> dict[str, Any]:
    return {
        "prediction": names[label],
        "probability": float(shares[label]),
        "probabilities": {name: float(share) for name, share in zip(names, shares, strict=True)},
    }


TASKS = (Softmax(), Sigmoid(), Sigmoids())
