"""Small files such as users bring, with what real ones have: quotes, folders in folders, other line ends, more tabs."""

import numpy as np

DRAW = np.random.default_rng(0)


def photos(path, rows=14):
    from PIL import Image

    for name in ("dark", "light"):
        (path / name / "more").mkdir(parents=True)
        for i in range(rows):
            shade = DRAW.integers(0, 99, (9, 7), "uint8") + (150 if name == "light" else 0)
            Image.fromarray(shade.astype("uint8")).save(path / name / ("more" if i % 4 else "") / f"{i}.png")
    Image.fromarray(np.zeros((5, 5, 3), "uint8")).save(path / "dark" / "colour.png")
    return path


def texts(path, rows=60):
    lines = [
        f'"{"good" if i % 2 else "bad"}, {" ".join(DRAW.choice(list("abcdefgh"), 7))}",{i % 2}' for i in range(rows)
    ]
    path.write_text("\n".join(["text,stars", *lines]) + "\n")
    return path


def text_files(path, rows=30):
    for name in ("ham", "spam"):
        (path / name).mkdir(parents=True)
        for i in range(rows):
            (path / name / f"{i}.txt").write_text(f"{name[:2]} {' '.join(DRAW.choice(list('abcdefgh'), 7))}\n")
    return path


def series(path, steps=200):
    days = np.datetime_as_string(np.datetime64("2020-01-01") + np.arange(steps))
    lines = [f"{day},{a:.3f},{b:.3f}" for day, (a, b) in zip(days, DRAW.normal(size=(steps, 2)), strict=True)]
    path.write_text("\n".join(["day,rain,sales", *lines]) + "\n")
    return path


def book(path):
    path.write_text("the cat sat on the mat and ate the rat.\r\n" * 90)
    return path


def arrays(path, rows=60):
    path.mkdir()
    np.save(path / "x.npy", DRAW.normal(size=(rows, 3)))
    np.save(path / "y.npy", np.arange(rows) % 2)
    return path


def pairs(path, rows=80):
    path.write_text("\n".join(f"say {i} please\tdis {i} donc\tmore" for i in range(rows)) + "\n")
    return path
