"""Build tiny models with random weights that vLLM serves: `python tests/vllm/tiny.py text|vlm FOLDER`.

Run with the Python of `.venv-vllm`. `text` is of the class of Qwen3 (decoder, 2 layers), `vlm` of Qwen2.5-VL (a vision tower
beside it). Their answers mean nothing; with a grammar they have the right form, which is what can be tested with them.
"""

import sys
from pathlib import Path
from typing import Any

PROMPTS = Path(__file__).parents[2] / "agent" / "planner"
END, START, STOP = "<|endoftext|>", "<|im_start|>", "<|im_end|>"
SEEN, UNSEEN, IMAGE, VIDEO = "<|vision_start|>", "<|vision_end|>", "<|image_pad|>", "<|video_pad|>"
CHAT = (
    "{% for m in messages %}<|im_start|>{{ m['role'] }}\n"
    "{% if m['content'] is string %}{{ m['content'] }}{% else %}{% for part in m['content'] %}"
    "{% if part['type'] == 'text' %}{{ part['text'] }}"
    "{% else %}<|vision_start|><|image_pad|><|vision_end|>{% endif %}{% endfor %}{% endif %}<|im_end|>\n{% endfor %}"
    "{% if add_generation_prompt %}<|im_start|>assistant\n{% endif %}"
)
#: Large, so that what is said depends on what was asked; of the usual 0.02 every answer would be much the same.
SPREAD = 0.3
DECODER: dict[str, Any] = {
    "hidden_size": 128, "intermediate_size": 256, "num_hidden_layers": 2, "num_attention_heads": 2,
    "num_key_value_heads": 1, "head_dim": 64, "max_position_embeddings": 8192, "tie_word_embeddings": True,
    "initializer_range": SPREAD,
}  # fmt: skip


def tokenizer(folder: Path) -> Any:
    """A byte-level BPE that knows the words of the prompts, saved in `folder`."""
    from tokenizers import Tokenizer, decoders, models, pre_tokenizers, trainers
    from transformers import PreTrainedTokenizerFast

    bpe = Tokenizer(models.BPE())
    bpe.pre_tokenizer = pre_tokenizers.ByteLevel(add_prefix_space=False)
    bpe.decoder = decoders.ByteLevel()
    special = [END, START, STOP, SEEN, UNSEEN, IMAGE, VIDEO]
    trainer = trainers.BpeTrainer(
        vocab_size=1500, special_tokens=special, initial_alphabet=pre_tokenizers.ByteLevel.alphabet()
    )
    bpe.train_from_iterator((p.read_text(encoding="utf-8") for p in sorted(PROMPTS.glob("*.md"))), trainer)
    fast = PreTrainedTokenizerFast(
        tokenizer_object=bpe, eos_token=STOP, pad_token=END, additional_special_tokens=special[3:]
    )
    fast.chat_template = CHAT
    fast.save_pretrained(folder)
    return fast


def text(folder: Path) -> None:
    """A decoder that reads and writes."""
    import torch
    from transformers import Qwen3Config, Qwen3ForCausalLM

    words = tokenizer(folder)
    torch.manual_seed(0)
    config = Qwen3Config(vocab_size=len(words), eos_token_id=words.eos_token_id, bos_token_id=None, **DECODER)
    Qwen3ForCausalLM(config).to(torch.bfloat16).save_pretrained(folder)


def vlm(folder: Path) -> None:
    """A decoder that sees as well."""
    import torch
    from transformers import (
        Qwen2_5_VLConfig,
        Qwen2_5_VLForConditionalGeneration,
        Qwen2_5_VLProcessor,
        Qwen2VLImageProcessor,
        Qwen2VLVideoProcessor,
    )

    words = tokenizer(folder)
    number = words.convert_tokens_to_ids
    torch.manual_seed(0)
    decoder = {
        **DECODER, "vocab_size": len(words), "eos_token_id": words.eos_token_id, "bos_token_id": None,
        "rope_parameters": {"rope_type": "default", "rope_theta": 1e4, "mrope_section": [8, 12, 12]},
    }  # fmt: skip
    eyes = {
        "depth": 2, "hidden_size": 64, "num_heads": 2, "intermediate_size": 128, "out_hidden_size": 128, "patch_size": 14,
        "spatial_merge_size": 2, "temporal_patch_size": 2, "window_size": 112, "fullatt_block_indexes": [1],
        "initializer_range": SPREAD,
    }  # fmt: skip
    config = Qwen2_5_VLConfig(
        text_config=decoder, vision_config=eyes, image_token_id=number(IMAGE), video_token_id=number(VIDEO),
        vision_start_token_id=number(SEEN), vision_end_token_id=number(UNSEEN), tie_word_embeddings=True,
    )  # fmt: skip
    Qwen2_5_VLForConditionalGeneration(config).to(torch.bfloat16).save_pretrained(folder)
    pixels = {"min_pixels": 28 * 28, "max_pixels": 28 * 28 * 64}
    Qwen2_5_VLProcessor(
        image_processor=Qwen2VLImageProcessor(**pixels),
        video_processor=Qwen2VLVideoProcessor(**pixels),
        tokenizer=words,
        chat_template=CHAT,
    ).save_pretrained(folder)


if __name__ == "__main__":
    kind, place = sys.argv[1:]
    {"text": text, "vlm": vlm}[kind](Path(place))
