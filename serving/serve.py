"""Start vLLM with the flags that Burnish needs: `.venv-vllm/bin/python serving/serve.py MODEL [--port 8000] [more flags]`.

MODEL is a folder or a hub id. Whether there is a GPU is found out; what it is served as is the last part of its name. Flags
that stand after these go to vLLM as they are and come last, so that they win.
"""

import argparse
import json
import os
import shutil
import sys
from collections.abc import Sequence
from pathlib import Path

#: Answers come in a schema. "xgrammar" holds all of ours to it; with free white space a small model wanders to the end of
#: its budget.
STRUCTURED = {"backend": "xgrammar", "disable_any_whitespace": True}
#: A request has one picture, a review two.
PICTURES = {"image": 2, "video": 0}
#: The planner's prompt takes about 1 500 tokens, two pictures of 1280 px up to 4 000, an answer at most 1 200.
LONGEST = 8192

#: Without a GPU: no compilation (it doubles the time to start), little memory for the cache of keys and values.
ON_CPU = ("--enforce-eager", "--max-num-seqs", "8", "--dtype", "bfloat16")
ON_GPU = ("--max-num-seqs", "32", "--gpu-memory-utilization", "0.9")

#: Nothing is reported to anybody.
QUIET = {"VLLM_NO_USAGE_STATS": "1", "DO_NOT_TRACK": "1", "HF_HUB_DISABLE_TELEMETRY": "1"}

#: vLLM starts Pythons of its own; without this they would import what lies in the working directory before what is installed.
ALONE = {"PYTHONSAFEPATH": "1"}


def longest(model: str) -> int:
    """Tokens of prompt and answer together: what the model of a folder was made for, at most `LONGEST`."""
    try:
        config = json.loads((Path(model) / "config.json").read_text(encoding="utf-8"))
    except (OSError, ValueError):
        return LONGEST
    made_for = config.get("max_position_embeddings") or config.get("text_config", {}).get("max_position_embeddings")
    return min(LONGEST, int(made_for or LONGEST))


def structured(model: str) -> dict[str, object]:
    """How answers are held to a schema. Burnish's own planner (its `training.json` counts lessons) learned JSON as Python
    writes it, with spaces, in tokens such as `"], "command": null`, of which xgrammar forbids some that its schema allows;
    "guidance" lets them all, and is asked for schemas alone."""
    try:
        own = "lessons" in json.loads((Path(model) / "training.json").read_text(encoding="utf-8"))
    except (OSError, ValueError):
        own = False
    return {"backend": "guidance", "disable_any_whitespace": False} if own else STRUCTURED


def sees(model: str) -> bool:
    """False for the folder of a model without eyes; True where only vLLM will know."""
    try:
        return "vision_config" in json.loads((Path(model) / "config.json").read_text(encoding="utf-8"))
    except (OSError, ValueError):
        return True


def command(model: str, host: str, port: int, *, gpu: bool, more: Sequence[str] = ()) -> list[str]:
    """What starts the server, as arguments."""
    return [
        str(Path(sys.executable).with_name("vllm")), "serve", model,
        "--served-model-name", Path(model).name,
        "--host", host, "--port", str(port), "--seed", "0",
        "--max-model-len", str(longest(model)),
        "--structured-outputs-config", json.dumps(structured(model)),
        *(("--limit-mm-per-prompt", json.dumps(PICTURES)) if sees(model) else ()),
        *(ON_GPU if gpu else ON_CPU),
        *more,
    ]  # fmt: skip


def environment(*, gpu: bool, offline: bool) -> dict[str, str]:
    """The environment that the server starts in; what is set already stays."""
    ours = QUIET | ALONE
    if not gpu:
        ours |= {"VLLM_CPU_KVCACHE_SPACE": "1", "OMP_NUM_THREADS": str(max(1, (os.cpu_count() or 2) // 2))}
    if offline:
        ours |= {"HF_HUB_OFFLINE": "1", "TRANSFORMERS_OFFLINE": "1"}
    return {**ours, **os.environ}


def main() -> None:
    """Become the server."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("model")
    parser.add_argument("--host", default="127.0.0.1")
    parser.add_argument("--port", type=int, default=8000)
    parser.add_argument("--cpu", action="store_true", help="on the CPU, GPU or not; needs the environment of cpu.txt")
    args, more = parser.parse_known_args()
    gpu = not args.cpu and shutil.which("nvidia-smi") is not None
    local = Path(args.model).is_dir()
    if args.model.startswith((".", "/", "models/")) and not local:
        sys.exit(f"There is no model in {args.model}; name a folder that is there, or the hub id of a model.")
    start = command(args.model, args.host, args.port, gpu=gpu, more=more)
    if not Path(start[0]).exists():
        sys.exit("vLLM is not installed beside this Python; `make vllm` makes an environment with it.")
    os.execve(start[0], start, environment(gpu=gpu, offline=local))


if __name__ == "__main__":
    main()
