"""From a finished language model to texts that go on with what was begun."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from zoo import tasks
from zoo.data.text.encoding import padded
from zoo.errors import UsageError
from zoo.runs.directory import Run

USUAL_LENGTH = 200  # tokens


def generate(
    run: Run,
    prompts: Sequence[str],
    *,
    length: int | None = None,
    temperature: float = 1.0,
    top_k: int | None = None,
    seed: int = 0,
) -> Iterator[str]:
    """Each prompt and what the language model says after it: `length` tokens, or 200, or as many as it has room for.

    Raises:
        UsageError: not a language model, an empty prompt, characters or words the run has never seen, a temperature or
            `top_k` that is not positive, or more tokens than the model has positions for.
    """
    from zoo.training.environment import prepare

    data = run.recipe.data
    if not tasks.of(data).writes:
        given = "--text '...'" if data.text else "FILE"
        raise UsageError(f"{run.name} is no language model ({data.task})\ntry: zoo predict {run.name} {given}")
    vocabulary = run.vocabularies.source
    if vocabulary.kind != "character":  # characters are looked up without it
        prepare()
    for prompt in prompts:
        if not prompt:
            raise UsageError("the prompt is empty\ngive the beginning of a text, such as: --prompt 'ROMEO:'")
        if unknown := vocabulary.unknown(prompt):
            pieces = " ".join(map(repr, unknown[:5])) + (" ..." if len(unknown) > 5 else "")
            raise UsageError(f"the prompt holds what the model has never seen: {pieces}\nleave it away")
    prepare()
    rows = [list(ids) for ids in vocabulary.encode(list(prompts))]
    ids = padded(rows, max(map(len, rows)))
    from zoo.tasks.decoding import Decoder

    decoder = Decoder(run.model)
    if length is None:
        room = decoder.room(ids.shape[1])
        length = USUAL_LENGTH if room is None else max(1, min(room, USUAL_LENGTH))
    said = decoder.generate(ids, length=length, temperature=temperature, top_k=top_k, seed=seed, stop=None)
    for prompt, new in zip(prompts, said, strict=True):
        yield vocabulary.joined(prompt, vocabulary.decode(new))
