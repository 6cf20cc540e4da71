"""`zoo generate RUN --prompt TEXT`."""

from __future__ import annotations

import click

from zoo.cli.console import print_json
from zoo.cli.words import echo


@click.command(
    epilog="""\b
Examples:
  zoo generate lstm:tiny_shakespeare --prompt "ROMEO:"       weights that the zoo brings along
  zoo generate runs/transformer.decoder-tiny_shakespeare --prompt "ROMEO:" --prompt "JULIET:"
  zoo generate RUN --prompt "def " --length 400 --temperature 0.7 --top-k 10 --seed 1
A low temperature keeps to what is likely, a high one dares more. The same seed gives the same text."""
)
@click.argument("run")
@click.option("--prompt", "prompts", multiple=True, required=True, help="How the text begins; may be given repeatedly.")
@click.option(
    "--length", type=click.IntRange(1, 1_000_000), help="Tokens to add; 200, or as many as the model has room for."
)
@click.option("--temperature", type=float, default=0.8, show_default=True, help="Divides the logits before sampling.")
@click.option("--top-k", type=int, help="Sample among the k likeliest tokens only.")
@click.option("--seed", type=click.IntRange(0, 2**31 - 1), default=0, show_default=True)
@click.option("--json", "as_json", is_flag=True, help="Print prompts and texts as JSON.")
@click.option("--debug", is_flag=True, help="Show the whole traceback of an error.")
def command(
    run: str,
    prompts: tuple[str, ...],
    length: int | None,
    temperature: float,
    top_k: int | None,
    seed: int,
    as_json: bool,
    debug: bool,
) -> None:
    """Let the language model of a finished RUN go on with a text."""
    from zoo import tasks
    from zoo.pretrained.published import load
    from zoo.runs.generating import generate
    from zoo.training.environment import prepare_to_write

    found = load(run)
    if tasks.of(found.recipe.data).writes:  # or else it is refused at once
        prepare_to_write(len(prompts))
    texts = generate(found, prompts, length=length, temperature=temperature, top_k=top_k, seed=seed)
    if as_json:
        print_json([{"prompt": prompt, "text": text} for prompt, text in zip(prompts, texts, strict=True)])
        return
    for text in texts:
        echo(text)
