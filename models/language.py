"""The planner's own language model: a small causal model that reads one request and writes a plan as JSON.

It is a stock architecture of transformers with its own tokenizer, so vLLM serves it as it is, and its chat template takes from
the served planner's messages the lines it was trained on. `Language` runs it in this process instead.
"""

from pathlib import Path
from typing import Any, Final

from models import pinned
from models.errors import WeightsError

#: Lines of what a planner is told that the model reads; the last is the message itself.
READS: Final = ("last edits: ", "versions so far: ", "draft: ", "message: ")

#: Characters of a line that are read, and tokens that an answer may have.
LONGEST: Final = 1200
MOST: Final = 400

#: What vLLM and `transformers` apply to the messages; the same as `told`.
TEMPLATE: Final = (
    "{%- set ns = namespace(said='') -%}"
    "{%- for m in messages if m['role'] == 'user' and not ns.said -%}"
    "{%- if m['content'] is string -%}{%- set ns.said = m['content'] -%}"
    "{%- else -%}{%- for part in m['content'] if part['type'] == 'text' and not ns.said -%}"
    "{%- set ns.said = part['text'] -%}{%- endfor -%}{%- endif -%}"
    "{%- endfor -%}"
    "{{- bos_token -}}"
    "{%- for line in ns.said.split('\\n') -%}"
    + "{%- if " + " or ".join(f"line.startswith('{start}')" for start in READS) + " -%}"
    + "{{- line[:" + str(LONGEST) + "] | lower + '\\n' -}}{%- endif -%}{%- endfor -%}"
)  # fmt: skip


def told(said: str) -> str:
    r"""What the model reads of `said`, the lines that a served planner is told.

    >>> told("scene: a beach\nversions so far: 2\nmessage: Warmer!")
    'versions so far: 2\nmessage: warmer!\n'
    """
    return "".join(line[:LONGEST].lower() + "\n" for line in said.split("\n") if line.startswith(READS))


class Language:
    """The model in this process, on the CPU. Answers are greedy, so the same text gives the same answer.

    `folder` holds config.json, tokenizer.json and model.safetensors with its pin.json. Raises `WeightsError` when they are
    missing or not what was pinned, or when transformers is not installed.
    """

    def __init__(self, folder: Path) -> None:
        pinned.checked(folder.name, folder=folder.parent)
        try:
            from transformers import AutoModelForCausalLM, PreTrainedTokenizerFast
        except ImportError as error:
            raise WeightsError(
                "The planner's model needs transformers; install it with: pip install 'burnish[hub]'."
            ) from error
        self.tokenizer: Any = PreTrainedTokenizerFast.from_pretrained(folder)
        self.model: Any = AutoModelForCausalLM.from_pretrained(folder, dtype="float32", local_files_only=True).eval()

    def answer(self, said: str) -> str:
        """What the model writes for `said`, the lines that a served planner is told."""
        import torch

        with torch.inference_mode():
            ids = torch.tensor([self._told(said)])
            made = self.model.generate(ids, max_new_tokens=MOST, do_sample=False)
        return str(self.tokenizer.decode(made[0, ids.shape[1] :], skip_special_tokens=True))

    def likely(self, said: str, answer: str) -> float:
        """The natural logarithm of the probability that the model gives to an answer, <= 0."""
        import torch

        head = self._told(said)
        tail = [*self.tokenizer(answer, add_special_tokens=False).input_ids, self.tokenizer.eos_token_id]
        with torch.inference_mode():
            logits = self.model(torch.tensor([head + tail])).logits[0, len(head) - 1 : -1]
            each = logits.log_softmax(-1).gather(1, torch.tensor(tail)[:, None])
        return float(each.sum())

    def _told(self, said: str) -> list[int]:
        start = [self.tokenizer.bos_token_id]
        return start + list(self.tokenizer(told(said), add_special_tokens=False).input_ids)
