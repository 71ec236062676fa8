"""Train the planner's language model: `python -m models.training.planner LESSONS --out FOLDER`.

LESSONS is a file of JSON lines with `told` and `answer` (`python -m agent.planner.lessons` writes one). The tokenizer is a
byte-level BPE of its own, in which a piece of JSON that is always the same is one token, so that a plan of one edit takes
some twenty of them. The model is a small Llama (Touvron et al., 2023) as transformers has it, trained to go on from
what it is told (weight `LISTEN`) with the answer (weight 1).

An interrupted run goes on from `FOLDER/state.safetensors` when the same command is given again.
"""

import argparse
import json
import math
import random
import time
from pathlib import Path
from typing import Any, Final

import torch
from safetensors import safe_open
from safetensors.torch import save_file
from torch.nn import functional

from models import pinned
from models.language import TEMPLATE

VOCABULARY: Final = 4096

#: Weight of a token of what the model is told, against one of the answer.
LISTEN: Final = 0.1

#: Lessons at the end of the file that are not learned from.
HELD: Final = 512

SAVE_EVERY: Final = 200

#: The pieces of JSON between the values of a plan, then words with the space before them, digits one by one, and marks.
PIECES: Final = "|".join((
    r'\{"kind": "', r'", "edits": \[(?:\{"region": "|\], "out_of_scope": \["?)', r'", "attribute": "(?:hue:)?',
    r'", "direction": -?1, "amount": "?', r'"?\}, \{"region": "', r'"?\}\], "out_of_scope": \["?',
    r'"?\], "command": (?:null, "protect": \["?|")', r'", "protect": \["?', r'"?\], "style": (?:null, "lang": "|")',
    r'", "lang": "', r'", "note": null, "question": null, "options": \[\]\}',
    r"last edits: ", r"versions so far: ", r"message: ", r" ?[\p{L}_]+", r" ?\p{N}", r" ?[^\s\p{L}\p{N}_]+", r"\s",
))  # fmt: skip


def tokenizer(texts: list[str]) -> Any:
    """A byte-level BPE over `texts`, with the chat template of `models.language`."""
    from tokenizers import Regex, Tokenizer, decoders, models, pre_tokenizers, trainers
    from transformers import PreTrainedTokenizerFast

    made = Tokenizer(models.BPE())
    made.pre_tokenizer = pre_tokenizers.Sequence([
        pre_tokenizers.Split(Regex(PIECES), "isolated"), pre_tokenizers.ByteLevel(add_prefix_space=False, use_regex=False),
    ])  # fmt: skip
    made.decoder = decoders.ByteLevel()
    trainer = trainers.BpeTrainer(
        vocab_size=VOCABULARY, special_tokens=["<s>", "</s>", "<pad>"], show_progress=False,
        initial_alphabet=pre_tokenizers.ByteLevel.alphabet(),
    )  # fmt: skip
    made.train_from_iterator(texts, trainer)
    return PreTrainedTokenizerFast(
        tokenizer_object=made, bos_token="<s>", eos_token="</s>", pad_token="<pad>", chat_template=TEMPLATE,
        clean_up_tokenization_spaces=False, model_max_length=4096,
    )  # fmt: skip


def model(width: int, layers: int) -> Any:
    """A Llama of `layers` blocks of `width` channels in heads of 64, its output tied to its input."""
    from transformers import LlamaConfig, LlamaForCausalLM

    config = LlamaConfig(
        vocab_size=VOCABULARY, hidden_size=width, intermediate_size=3 * width, num_hidden_layers=layers,
        num_attention_heads=width // 64, num_key_value_heads=width // 64, max_position_embeddings=4096,
        tie_word_embeddings=True, bos_token_id=0, eos_token_id=1, pad_token_id=2, rms_norm_eps=1e-5,
    )  # fmt: skip
    return LlamaForCausalLM(config)


def begun(folder: Path) -> Any:
    """The model of a folder in full precision, to be trained on."""
    from transformers import LlamaForCausalLM

    return LlamaForCausalLM.from_pretrained(folder, dtype=torch.float32)


Row = tuple[list[int], int]
"""The tokens of a lesson, and how many of them are what the model is told."""


def encode(tokens: Any, path: Path) -> list[Row]:
    """Every lesson of the file as tokens."""
    rows = [json.loads(line) for line in path.open(encoding="utf-8")]
    backend = tokens.backend_tokenizer
    heads = backend.encode_batch([row["told"] for row in rows], add_special_tokens=False)
    tails = backend.encode_batch([row["answer"] for row in rows], add_special_tokens=False)
    return [([0, *h.ids, *t.ids, 1], 1 + len(h.ids)) for h, t in zip(heads, tails, strict=True)]


def order(rows: list[Row], count: int, seed: int, epoch: int) -> list[list[int]]:
    """The batches of one epoch, each of lessons of like length."""
    rng = random.Random(seed * 1_000_003 + epoch)
    at = rng.sample(range(len(rows)), len(rows))
    batches = []
    for start in range(0, len(at), count * 40):
        near = sorted(at[start : start + count * 40], key=lambda i: len(rows[i][0]))
        batches += [near[k : k + count] for k in range(0, len(near), count)]
    rng.shuffle(batches)
    return batches


def loss_of(net: Any, rows: list[Row]) -> tuple[torch.Tensor, float]:
    """The weighted loss of a batch, and the mean loss of its answers' tokens."""
    longest = max(len(ids) for ids, _ in rows)
    ids = torch.full((len(rows), longest), 2)
    weight = torch.zeros((len(rows), longest))
    for k, (row, head) in enumerate(rows):
        ids[k, : len(row)] = torch.tensor(row)
        weight[k, : len(row)] = 1.0
        weight[k, :head] = LISTEN
    with torch.autocast("cpu", torch.bfloat16):
        logits = net(input_ids=ids[:, :-1], use_cache=False).logits
    each = functional.cross_entropy(logits.float().flatten(0, 1), ids[:, 1:].flatten(), reduction="none")
    weight = weight[:, 1:].flatten()
    answer = each.detach()[weight == 1.0].mean()
    return (each * weight).sum() / weight.sum(), float(answer)


def save_state(path: Path, step: int, net: Any, optimiser: torch.optim.AdamW) -> None:
    """Everything needed to go on, in one safetensors file, written atomically."""
    tensors = {f"net.{i}": p.detach().contiguous() for i, p in enumerate(net.parameters())}
    for i, p in enumerate(net.parameters()):
        for key, value in optimiser.state.get(p, {}).items():
            tensors[f"adam.{i}.{key}"] = torch.as_tensor(value).clone().contiguous()
    part = path.with_suffix(".part")
    save_file(tensors, part, metadata={"step": str(step)})
    part.replace(path)


def load_state(path: Path, net: Any, optimiser: torch.optim.AdamW) -> int:
    """Restore what `save_state` wrote; returns the step."""
    with safe_open(path, "pt") as file:
        step = int(file.metadata()["step"])
        tensors = {key: file.get_tensor(key) for key in file.keys()}  # noqa: SIM118
    with torch.no_grad():
        for i, p in enumerate(net.parameters()):
            p.copy_(tensors[f"net.{i}"])
            optimiser.state[p] = {k.split(".", 2)[2]: v for k, v in tensors.items() if k.startswith(f"adam.{i}.")}
    return step


def export(net: Any, tokens: Any, out: Path) -> None:
    """Write the model in bfloat16 and its tokenizer, as transformers and vLLM read them, with `pin.json`."""
    import copy

    half = copy.deepcopy(net).to(torch.bfloat16).eval()
    half.save_pretrained(out)
    tokens.save_pretrained(out)
    (out / "model.safetensors").chmod(0o644)
    pinned.pin(out.name, out.parent)


def train(
    lessons: Path,
    out: Path,
    steps: int,
    count: int,
    rate: float,
    width: int,
    layers: int,
    seed: int,
    threads: int,
    start: Path | None = None,
    minutes: float = math.inf,
) -> None:
    """Train for `steps` batches of `count` lessons, or until `minutes` have passed, to go on another time.

    `start`: a folder with a model and its tokenizer to begin from.
    """
    from transformers import PreTrainedTokenizerFast

    torch.set_num_threads(threads)
    torch.manual_seed(seed)
    out.mkdir(parents=True, exist_ok=True)
    if start is not None and not (out / "tokenizer.json").exists():
        kept = PreTrainedTokenizerFast.from_pretrained(start)
        kept.chat_template = TEMPLATE  # the lessons may tell what those of `start` did not
        kept.save_pretrained(out)
    if (out / "tokenizer.json").exists():
        tokens = PreTrainedTokenizerFast.from_pretrained(out)
    else:
        rows_of_text = [json.loads(line) for line in lessons.open(encoding="utf-8")]
        tokens = tokenizer([row[side] for row in rows_of_text[:-HELD] for side in ("told", "answer")])
        tokens.save_pretrained(out)
    rows = encode(tokens, lessons)
    rows, held = [row for row in rows[:-HELD] if len(row[0]) <= 400], rows[-HELD:]
    net = model(width, layers) if start is None else begun(start)
    size = sum(p.numel() for p in net.parameters())
    lengths = [len(ids) for ids, _ in rows]
    print(f"{len(rows)} lessons of {sum(lengths) / len(rows):.0f} tokens, {size / 1e6:.1f} M parameters", flush=True)
    decayed = [p for p in net.parameters() if p.ndim > 1]
    others = [p for p in net.parameters() if p.ndim == 1]
    groups = [{"params": decayed, "weight_decay": 0.05}, {"params": others, "weight_decay": 0.0}]
    optimiser = torch.optim.AdamW(groups, lr=rate, betas=(0.9, 0.98))
    state = out / "state.safetensors"
    first = load_state(state, net, optimiser) if state.exists() else 0
    net.train()
    warm = 200 if start is None else 50
    epoch, batches = -1, list[list[int]]()
    per = math.ceil(len(rows) / count)
    began, shown = time.monotonic(), 0.0
    for step in range(first, steps):
        if step // per != epoch:
            epoch = step // per
            batches = order(rows, count, seed, epoch)
        now = rate * min(1.0, (step + 1) / warm) * (0.5 + 0.5 * math.cos(math.pi * step / steps)) + rate * 0.01
        for group in optimiser.param_groups:
            group["lr"] = now
        loss, answer = loss_of(net, [rows[i] for i in batches[step % per]])
        optimiser.zero_grad(set_to_none=True)
        loss.backward()
        torch.nn.utils.clip_grad_norm_(net.parameters(), 1.0)
        optimiser.step()
        shown = answer if step == first else 0.98 * shown + 0.02 * answer
        if (step + 1) % 25 == 0 or step + 1 == steps:
            pace = (time.monotonic() - began) / (step + 1 - first)
            left = pace * (steps - step - 1) / 60
            print(f"step {step + 1}/{steps}  answers {shown:.4f}  {pace:.2f} s/step  {left:.1f} min left", flush=True)
        over = time.monotonic() - began > 60 * minutes
        if (step + 1) % SAVE_EVERY == 0 or step + 1 == steps or over:
            net.eval()
            with torch.no_grad():
                parts = [loss_of(net, held[k : k + 64])[1] for k in range(0, HELD, 64)]
            net.train()
            print(f"step {step + 1}/{steps}  held out {sum(parts) / len(parts):.4f}", flush=True)
            save_state(state, step + 1, net, optimiser)
            export(net, tokens, out)
        if over:
            return
    facts = {"steps": steps, "batch": count, "rate": rate, "width": width, "layers": layers, "seed": seed,
             "lessons": len(rows)}  # fmt: skip
    (out / "training.json").write_text(json.dumps(facts) + "\n", "utf-8")


def main(arguments: list[str] | None = None) -> None:
    """Entry point of `python -m models.training.planner`."""
    parser = argparse.ArgumentParser(prog="python -m models.training.planner", description=__doc__)
    parser.add_argument("lessons", type=Path, help="JSON lines with told and answer")
    parser.add_argument("--out", type=Path, required=True, help="folder for the model and the state to resume from")
    parser.add_argument(
        "--start-from", type=Path, help="folder of a trained model to go on from, as models/weights/planner"
    )
    parser.add_argument("--steps", type=int, default=6000)
    parser.add_argument("--batch", type=int, default=64)
    parser.add_argument("--rate", type=float, default=1.5e-3)
    parser.add_argument("--width", type=int, default=320, help="channels, a multiple of 64")
    parser.add_argument("--layers", type=int, default=8)
    parser.add_argument(
        "--minutes", type=float, default=math.inf, help="stop after this long; the same command goes on"
    )
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--threads", type=int, default=2)
    a = parser.parse_args(arguments)
    train(a.lessons, a.out, a.steps, a.batch, a.rate, a.width, a.layers, a.seed, a.threads, a.start_from, a.minutes)


if __name__ == "__main__":
    main()
