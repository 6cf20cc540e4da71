"""The schema of a recipe. Unknown keys and wrong types are errors; contradictions are in zoo.recipe.rules."""

from __future__ import annotations

from typing import Annotated, Any, Literal

from pydantic import AfterValidator, Field, PrivateAttr

from zoo import tasks
from zoo.data.config import MOST, Augmentation, Data, Positive, Preprocessing, Section, Seed
from zoo.files.names import dataset_name

Above0 = Annotated[float, Field(gt=0)]
AtLeast0 = Annotated[float, Field(ge=0)]
Below1 = Annotated[float, Field(gt=0, lt=1)]

Optimizer = Literal["sgd", "momentum", "nesterov", "adagrad", "rmsprop", "adam", "adamw"]
Schedule = Literal["constant", "step", "exponential", "cosine"]
Precision = Literal["float32", "mixed_bfloat16", "mixed_float16"]


def fits_its_task(data: Data) -> Data:
    """The same data.

    Raises:
        ValueError: it says what its task does not allow.
    """
    if mistakes := tasks.mistakes(data):
        raise ValueError("; ".join(mistakes))
    return data


TaskData = Annotated[Data, AfterValidator(fits_its_task)]


class Training(Section):
    """How the network is trained. Epochs count passes over the training split; the batch is the global one."""

    epochs: Positive = 10
    batch_size: Positive = 32
    optimizer: Optimizer = "adam"
    learning_rate: Above0 = 1e-3
    momentum: Annotated[float, Field(ge=0, lt=1)] | None = None  # momentum and nesterov; 0.9 when absent
    weight_decay: AtLeast0 = 0.0  # decoupled (adamw); kernels only, not biases
    schedule: Schedule = "constant"
    warmup_epochs: AtLeast0 = 0.0  # learning rate rises linearly from near 0
    decay_epochs: Above0 | None = None  # step, exponential: epochs between two multiplications
    decay_rate: Below1 | None = None  # step, exponential: what the rate is multiplied by
    final_share: Annotated[float, Field(ge=0, lt=1)] = 0.0  # cosine: share of the rate left at the end
    clip_norm: Above0 | None = None  # the gradient of all weights together is scaled down to this norm
    loss: str | None = None  # one of the task's, which are checked against it; its first when absent
    precision: Precision = "float32"
    jit: Literal["auto", "on", "off"] = "auto"  # XLA
    strategy: Literal["auto", "one", "mirrored", "multi-worker"] = "auto"
    scale_learning_rate: bool = False  # multiply the rate by the number of replicas
    seed: Seed = 0


class EarlyStopping(Section):
    """Stop when `monitor` has not got better by `min_delta` for `patience` epochs."""

    monitor: str = "val_loss"
    min_delta: AtLeast0 = 0.0
    patience: Positive = 5
    restore_best: bool = True


class Checkpoint(Section):
    """Keep the weights of the best epoch by `monitor`, and go back to them at the end."""

    monitor: str = "val_loss"


class ReduceOnPlateau(Section):
    """Multiply the learning rate by `factor` when `monitor` has not got better for `patience` epochs."""

    monitor: str = "val_loss"
    factor: Below1 = 0.5
    patience: Positive = 3
    min_learning_rate: AtLeast0 = 0.0


class TensorBoard(Section):
    """Write event files for TensorBoard (needs the extra `tensorboard`)."""

    histogram_epochs: Annotated[int, Field(ge=0, le=MOST)] = 0  # epochs between weight histograms; 0: none


class Callbacks(Section):
    """What happens beside the training steps; a table switches one on."""

    early_stopping: EarlyStopping | None = None
    checkpoint: Checkpoint | None = None
    reduce_on_plateau: ReduceOnPlateau | None = None
    tensorboard: TensorBoard | None = None
    csv_history: bool = True  # history.csv, rewritten after each epoch, of short ones once a second; else at the end
    nan_stop: bool = True  # stop the run as soon as the loss is not a number


class Transfer(Section):
    """What a run starts from, and what of it learns.

    With `head_epochs` the output layers learn alone first, on what the rest of the network gives for the examples as
    they are, computed once; then, from the best of these epochs, what `freeze` leaves free learns as [training] says.
    With freeze = "all" there is only one phase, the output layers' alone, and [training] is for it.
    """

    weights: str  # imagenet, none, MODEL:DATASET, a run directory, a published folder, a file of Keras
    sha256: str = ""  # of the file of weights
    head: Literal["new", "keep"] = "new"  # the output layers
    freeze: Literal["all", "none"] | Positive = 1  # all: only the head learns; a number: so many last blocks learn too
    head_epochs: Annotated[int, Field(ge=0, le=MOST)] = 0
    head_learning_rate: Above0 = 1e-3


class ModelTable(Section):
    """`[models.NAME]`: what differs for one model; its sections are laid over the recipe's."""

    knobs: dict[str, Any] = {}
    preprocessing: dict[str, Any] = {}
    augmentation: dict[str, Any] = {}
    training: dict[str, Any] = {}
    callbacks: dict[str, Any] = {}


class Recipe(Section):
    """A recipe file: one dataset, and how networks are trained on it. The sections stand in this order."""

    title: str
    data: TaskData
    preprocessing: Preprocessing = Preprocessing()
    augmentation: Augmentation = Augmentation()
    training: Training = Training()
    callbacks: Callbacks = Callbacks()
    models: dict[str, ModelTable] = {}
    _name: str = PrivateAttr(default="own")

    @property
    def name(self) -> str:
        """What its dataset is called: the name under which it was loaded, or `own`."""
        return self._name


class Resolved(Section):
    """Everything one run needs to know: what `recipe.toml` in a run directory holds."""

    model: str
    dataset: Annotated[str, AfterValidator(dataset_name)]
    knobs: dict[str, Any] = {}
    data: TaskData
    preprocessing: Preprocessing = Preprocessing()
    augmentation: Augmentation = Augmentation()
    training: Training = Training()
    callbacks: Callbacks = Callbacks()
    transfer: Transfer | None = None
