"""Make the picture of README and preface from the shipped weights: ``python book/make_picture.py``."""

from pathlib import Path

from cincgan_tutorial import figures
from cincgan_tutorial.experiments import systems
from cincgan_tutorial.weights import load_weights


def main() -> None:
    """Write book/results/readme.png: the running example, enlarged by interpolation, and by cleaning first."""
    trained = load_weights()
    x, z = figures.example()
    box = figures.EXAMPLE_BOX
    chosen = systems(trained)
    crops = {
        "input x": box.cut(x, trained.preset.scale),
        "bicubic": box.cut(chosen["bicubic"](x)),
        "G1, then SR (mild)": box.cut(chosen["G1 then SR"](x)),
        "truth z": box.cut(z),
    }
    picture = Path(__file__).parent / "results" / "readme.png"
    figures.show(crops, columns=4, size=2.6).savefig(picture, dpi=110)


if __name__ == "__main__":
    main()
