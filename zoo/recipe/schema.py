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

DECAYING = ("sgd", "momentum", "nesterov", "adamw")  # optimisers with a weight decay
Optimizer = Literal["sgd", "momentum", "nesterov", "adagrad", "rmsprop", "adam", "adamw"]
Schedule = Literal["constant", "step", "exponential", "cosine"]
Precision = Literal["float32", "mixed_bfloat16", "mixed_float16", "auto"]


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
    """Passes over the training split."""
    batch_size: Positive = 32
    """Examples a step, over all devices together."""
    optimizer: Optimizer = "adam"
    """By its name."""
    learning_rate: Above0 = 1e-3
    """Step size of the optimiser."""
    momentum: Annotated[float, Field(ge=0, lt=1)] | None = None
    """Of momentum and nesterov; 0.9 when absent."""
    weight_decay: AtLeast0 = 0.0
    """sgd, momentum, nesterov, adamw: each step makes kernels (not biases) smaller by this times the learning rate."""
    schedule: Schedule = "constant"
    """How the learning rate goes down."""
    warmup_epochs: AtLeast0 = 0.0
    """Epochs in which the learning rate rises linearly from near 0."""
    decay_epochs: Above0 | None = None
    """step, exponential: epochs between two multiplications."""
    decay_rate: Below1 | None = None
    """step, exponential: what the rate is multiplied by."""
    final_share: Annotated[float, Field(ge=0, lt=1)] = 0.0
    """cosine: share of the rate left at the end."""
    clip_norm: Above0 | None = None
    """The gradient of all weights together is scaled down to this norm."""
    loss: str | None = None
    """One of the task's; the first when absent."""
    label_smoothing: Annotated[float, Field(ge=0, lt=1)] = 0.0
    """Cross-entropies of classes: share of a target spread over all classes; in training, not in what is scored."""
    class_weights: Literal["none", "balanced"] = "none"
    """balanced: in the loss each class counts the same in all, the rare ones' examples more than the others'."""
    averaging: Below1 | None = None
    """Share that a running mean of the weights keeps of itself each step; validated, kept and saved in their place."""
    test_flips: bool = False
    """Score images a second time, by the mean of the answers to each and to its mirror image: accuracy_with_flips."""
    precision: Precision = "float32"
    """Of the arithmetic; auto: by the network and this machine, and the run's recipe says which it was."""
    jit: Literal["auto", "on", "off"] = "auto"
    """Whether steps are compiled with XLA."""
    strategy: Literal["auto", "one", "mirrored", "multi-worker"] = "auto"
    """Which devices train."""
    scale_learning_rate: bool = False
    """Whether the rate is multiplied by the number of replicas."""
    seed: Seed = 0
    """Of initial weights, order, augmentation and dropout."""


class EarlyStopping(Section):
    """Stop when `monitor` has not got better by `min_delta` for `patience` epochs."""

    monitor: str = "val_loss"
    """The metric that is watched."""
    min_delta: AtLeast0 = 0.0
    """Least change that counts as better."""
    patience: Positive = 5
    """Epochs without a better one before the end."""
    restore_best: bool = True
    """Whether the weights of the best epoch come back."""


class Checkpoint(Section):
    """Keep the weights of the best epoch by `monitor`, and go back to them at the end."""

    monitor: str = "val_loss"
    """The metric by which the best epoch is kept."""


class ReduceOnPlateau(Section):
    """Multiply the learning rate by `factor` when `monitor` has not got better for `patience` epochs."""

    monitor: str = "val_loss"
    """The metric that is watched."""
    factor: Below1 = 0.5
    """What the rate is multiplied by."""
    patience: Positive = 3
    """Epochs without a better one before that."""
    min_learning_rate: AtLeast0 = 0.0
    """The rate never goes below this."""


class TensorBoard(Section):
    """Write event files for TensorBoard (needs the extra `tensorboard`)."""

    histogram_epochs: Annotated[int, Field(ge=0, le=MOST)] = 0
    """Epochs between weight histograms; 0: none."""


class Callbacks(Section):
    """What happens beside the training steps; a table switches one on."""

    early_stopping: EarlyStopping | None = None
    """Stop when a metric gets no better; a table."""
    checkpoint: Checkpoint | None = None
    """Keep the weights of the best epoch; a table."""
    reduce_on_plateau: ReduceOnPlateau | None = None
    """Lower the rate when a metric gets no better; a table."""
    tensorboard: TensorBoard | None = None
    """Write event files; a table."""
    csv_history: bool = True
    """Write history.csv after each epoch, of short epochs once a second; otherwise at the end."""
    nan_stop: bool = True
    """Stop as soon as the loss is not a number."""


class Transfer(Section):
    """What a run starts from, and what of it learns.

    With `head_epochs` the output layers learn alone first, on what the rest of the network gives for the examples as
    they are, computed once; then, from the best of these epochs, what `freeze` leaves free learns as [training] says.
    With freeze = "all" there is only one phase, the output layers' alone, and [training] is for it.
    """

    weights: str
    """imagenet, none, MODEL:DATASET, a run, a published folder, or a file of Keras."""
    sha256: str = ""
    """Of the file of weights."""
    head: Literal["new", "keep"] = "new"
    """New output layers, or those of the weights."""
    freeze: Literal["all", "none"] | Positive = 1
    """all: only the head learns; a number: so many last blocks learn too; none: everything."""
    head_epochs: Annotated[int, Field(ge=0, le=MOST)] = 0
    """Epochs in which the output layers learn alone first."""
    head_learning_rate: Above0 = 1e-3
    """The rate of these epochs."""


class ModelTable(Section):
    """`[models.NAME]`: what differs for one model; its sections are laid over the recipe's."""

    knobs: dict[str, Any] = {}
    """Arguments of the model's builder."""
    preprocessing: dict[str, Any] = {}
    """Laid over the recipe's."""
    augmentation: dict[str, Any] = {}
    """Laid over the recipe's."""
    training: dict[str, Any] = {}
    """Laid over the recipe's."""
    callbacks: dict[str, Any] = {}
    """Laid over the recipe's."""


class Recipe(Section):
    """A recipe file: one dataset, and how networks are trained on it. The sections stand in this order."""

    title: str
    """What the dataset is, in a few words."""
    data: TaskData
    """The dataset."""
    preprocessing: Preprocessing = Preprocessing()
    """Fixed steps before the network."""
    augmentation: Augmentation = Augmentation()
    """Random changes in training."""
    training: Training = Training()
    """How networks are trained."""
    callbacks: Callbacks = Callbacks()
    """What happens beside the training."""
    models: dict[str, ModelTable] = {}
    """What differs for one model: a table each, called by its name."""
    _name: str = PrivateAttr(default="own")

    @property
    def name(self) -> str:
        """What its dataset is called: the name under which it was loaded, or `own`."""
        return self._name


class Resolved(Section):
    """Everything one run needs to know: what `recipe.toml` in a run directory holds."""

    model: str
    """Name of the model."""
    dataset: Annotated[str, AfterValidator(dataset_name)]
    """Name of the dataset."""
    knobs: dict[str, Any] = {}
    """Arguments of the model's builder."""
    data: TaskData
    """The dataset."""
    preprocessing: Preprocessing = Preprocessing()
    """Fixed steps before the network."""
    augmentation: Augmentation = Augmentation()
    """Random changes in training."""
    training: Training = Training()
    """How the network is trained."""
    callbacks: Callbacks = Callbacks()
    """What happens beside the training."""
    transfer: Transfer | None = None
    """What the run starts from."""
