"""Photos to begin with, out of scikit-image's own package: the first minute needs no upload and no download."""

from pathlib import Path
from typing import Final

#: File in `skimage.data` → what people read under it. Only files that ship inside the package.
EXAMPLES: Final = {
    "astronaut.png": "Portrait",
    "rocket.jpg": "Launch",
    "coffee.png": "Coffee",
    "chelsea.png": "Cat",
}


def example_photos() -> list[tuple[Path, str]]:
    """Path and name of every example that this installation has."""
    import skimage.data

    place = Path(skimage.data.__file__).parent
    return [(place / name, title) for name, title in EXAMPLES.items() if (place / name).is_file()]
