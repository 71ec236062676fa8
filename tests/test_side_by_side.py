"""Photos are looked at side by side: OpenCV's cascades keep state while they run, and shared between threads they crash."""

import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).parents[1]

# In a process of its own: what this guards against ends the process, not just the test.
LOOK = """
import sys
from concurrent.futures import ThreadPoolExecutor
import numpy as np, skimage.data
from models.faces import find_faces

photos = [getattr(skimage.data, name)()[::2, ::2].astype(np.float32) / 255 for name in ("astronaut", "coffee", "chelsea")]
skin = [np.ones(photo.shape[:2], np.float32) for photo in photos]
alone = [find_faces(photo, mask) for photo, mask in zip(photos, skin)]
with ThreadPoolExecutor(4) as pool:
    together = list(pool.map(find_faces, photos * 20, skin * 20))
sys.exit(0 if together == alone * 20 and alone[0] else 3)
"""


def test_faces_are_found_from_several_threads_at_once() -> None:
    done = subprocess.run([sys.executable, "-c", LOOK], cwd=ROOT, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr[-2000:]
