"""The lines of a script that read texts: arrays of strings with their labels or targets, or one long text."""

from __future__ import annotations

from zoo import tasks
from zoo.data.config import Data
from zoo.data.sources.tfds_features import choose
from zoo.eject.lifting import lift_name
from zoo.eject.literal import literal
from zoo.eject.reading_parts import Reading, dtype, prepared_info
from zoo.errors import UsageError

LIBRARY = '''def read():
    """The first {count:,} characters of Python's standard library: printable ASCII and line feeds."""
    folder = Path(sysconfig.get_path("stdlib"))
    text = "\\n".join((folder / f"{{name}}.py").read_text(encoding="utf-8").expandtabs(4) for name in MODULES)
    return "".join(letter for letter in text if letter == "\\n" or " " <= letter <= "~")[:{count}]'''
DRAWN = '''def read(first, last):
    """Examples of these numbers among those that rule and seed give: texts (n,) and {what} (n,); none comes twice."""
    drawn = {make}({options}, np.random.default_rng({seed}))
    x, y = zip(*islice(drawn, first, last), strict=True)
    return np.array(x, object), np.array(y, {dtype})'''
LABELLED = '''def read(split):
    """A whole split, in its own order: texts (n,) and labels (n,)."""
    examples = list(tfds.as_numpy(tfds.load("{name}", split=split)))
    texts = [example["{source}"].decode().replace("<br />", " ").strip() for example in examples]
    return np.array(texts, object), np.array([example["{label}"] for example in examples], "{dtype}")'''
WHOLE = '''def read(split):
    """A whole split, as one text."""
    examples = tfds.as_numpy(tfds.load("{name}", split=split))
    return "\\n".join(example["{source}"].decode() for example in examples)'''


def reading_texts(data: Data) -> Reading:
    """How a script reads what `zoo.data.load` reads.

    Raises:
        UsageError: sub-words, for which a script would need more than Keras and TensorFlow.
        MissingError: a set of TensorFlow Datasets whose features are known only once it is prepared.
    """
    assert data.text is not None
    scheme, _, name = data.source.partition(":")
    if data.text.tokens == "subword":
        raise UsageError(
            f"{data.source}: its vocabulary is one of sub-words, which the tokenizers library makes; scripts import "
            "Keras and TensorFlow alone\nwhere the data is not in files: --set data.text.tokens=word"
        )
    if scheme == "stdlib":
        lifted = lift_name("zoo.data.sources.stdlib", "MODULES")
        code = f"{lifted.code}\n\n\n{LIBRARY.format(count=data.train)}"
        return Reading(code, imports={"sysconfig": {""}, "pathlib": {"Path"}})
    return _drawn(name, data) if scheme == "generated" else _tfds(name, data)


def _drawn(name: str, data: Data) -> Reading:
    from zoo.data.sources.generated_text import options_of

    options = options_of(name, data)
    lifted = lift_name("zoo.data.sources.generated_text", f"_{name}")
    pairs = tasks.of(data).answers_in_text
    code = DRAWN.format(
        what="targets" if pairs else "labels",
        make=f"_{name}",
        options=literal(options),
        seed=int(options["seed"]),
        dtype="object" if pairs else '"int32"',
    )
    return Reading(
        f"{lifted.code}\n\n\n{code}",
        train=f"read(0, {data.train})",
        test=f"read({data.train}, {data.train + data.test})",
        imports={**lifted.imports, "itertools": {"islice"}},
    )


def _tfds(name: str, data: Data) -> Reading:
    pair = choose(prepared_info(name), data.label, name)
    form = WHOLE if pair.label is None else LABELLED
    code = form.format(name=name, source=pair.source, label=pair.label, dtype=dtype(data))
    test, validation = (f"read({literal(split)})" for split in (data.test_split, data.validation_split))
    return Reading(code, 'read("train")', test, validation, {"tensorflow_datasets as tfds": {""}})
