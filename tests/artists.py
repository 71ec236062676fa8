"""Tiny artists with random weights, saved as real ones are: for tests of what loads and asks them."""

from pathlib import Path
from typing import Any

import torch

LETTERS = [chr(c) for c in range(33, 127)]


def clip_words(length: int = 77) -> Any:
    """A CLIP tokenizer that knows letters alone."""
    from transformers import CLIPTokenizer

    words = [*LETTERS, *(f"{c}</w>" for c in LETTERS), "<|startoftext|>", "<|endoftext|>"]
    return CLIPTokenizer(vocab={word: i for i, word in enumerate(words)}, merges=[], model_max_length=length)


def clip_text(width: int = 32) -> Any:
    """A CLIP text encoder for it."""
    from transformers import CLIPTextConfig, CLIPTextModel

    return CLIPTextModel(
        CLIPTextConfig(
            vocab_size=2 * len(LETTERS) + 2, hidden_size=width, intermediate_size=37, num_attention_heads=4,
            num_hidden_layers=2, bos_token_id=2 * len(LETTERS), eos_token_id=2 * len(LETTERS) + 1, pad_token_id=1,
        )
    ).eval()  # fmt: skip


def unet(channels: int = 4) -> Any:
    """A denoiser of Stable Diffusion's kind."""
    from diffusers import UNet2DConditionModel

    return UNet2DConditionModel(
        block_out_channels=(8, 16), layers_per_block=1, sample_size=32, in_channels=channels, out_channels=4,
        down_block_types=("DownBlock2D", "CrossAttnDownBlock2D"), up_block_types=("CrossAttnUpBlock2D", "UpBlock2D"),
        cross_attention_dim=32, norm_num_groups=4, attention_head_dim=4,
    ).eval()  # fmt: skip


def vae() -> Any:
    """An autoencoder that keeps the lines of a picture and loses its colours, with random weights but for their signs."""
    from diffusers import AutoencoderKL

    model = AutoencoderKL(
        block_out_channels=(8, 8), down_block_types=("DownEncoderBlock2D",) * 2, up_block_types=("UpDecoderBlock2D",) * 2,
        latent_channels=4, norm_num_groups=1, sample_size=64, scaling_factor=1.0,
    ).eval()  # fmt: skip
    with torch.no_grad():
        for name, layer in model.named_modules():
            if name.endswith((".conv2", ".to_out.0")):
                layer.weight.zero_()  # a block that passes on what it gets
            elif isinstance(layer, torch.nn.Conv2d):
                centre = layer.weight.abs().mean((2, 3))
                layer.weight.zero_()
                layer.weight[:, :, layer.kernel_size[0] // 2, layer.kernel_size[1] // 2] = centre / centre.sum(1, True)
                layer.bias.zero_()
        model.encoder.conv_out.weight[4:] = 0
        model.quant_conv.weight[4:] = 0
        model.quant_conv.bias[4:] = -20  # hardly any noise
        model.decoder.conv_out.bias.copy_(torch.tensor([0.0, -0.2, -0.4]))
    return model


def still() -> Any:
    """A scheduler that adds hardly any noise."""
    from diffusers import DDIMScheduler

    return DDIMScheduler(beta_start=1e-7, beta_end=1e-6, clip_sample=False, steps_offset=1)


def parts(channels: int = 4) -> dict[str, Any]:
    """The parts of a Stable Diffusion pipeline."""
    torch.manual_seed(0)
    return {
        "vae": vae(), "text_encoder": clip_text(), "tokenizer": clip_words(), "unet": unet(channels), "scheduler": still(),
        "safety_checker": None, "feature_extractor": None,
    }  # fmt: skip


def instruct_pix2pix(folder: Path) -> Path:
    from diffusers import StableDiffusionInstructPix2PixPipeline

    StableDiffusionInstructPix2PixPipeline(**parts(8), requires_safety_checker=False).save_pretrained(folder)
    return folder


def text_to_image(folder: Path) -> Path:
    from diffusers import StableDiffusionPipeline

    StableDiffusionPipeline(**parts(), requires_safety_checker=False).save_pretrained(folder)
    return folder


def controlnet(folder: Path, channels: int = 4) -> Path:
    from diffusers import ControlNetModel, StableDiffusionControlNetPipeline

    of = parts()
    control = ControlNetModel.from_unet(
        of["unet"], conditioning_channels=channels, conditioning_embedding_out_channels=(8, 8)
    )
    with torch.no_grad():
        # As begun, a ControlNet says nothing: all its last layers are zero.
        for zero in (
            *control.controlnet_down_blocks,
            control.controlnet_mid_block,
            control.controlnet_cond_embedding.conv_out,
        ):
            torch.nn.init.normal_(zero.weight, std=0.3)
    StableDiffusionControlNetPipeline(**of, controlnet=control, requires_safety_checker=False).save_pretrained(folder)
    return folder


def flux_kontext(folder: Path) -> Path:
    from diffusers import AutoencoderKL, FlowMatchEulerDiscreteScheduler, FluxKontextPipeline, FluxTransformer2DModel
    from transformers import T5Config, T5EncoderModel

    torch.manual_seed(0)
    transformer = FluxTransformer2DModel(
        patch_size=1, in_channels=4, num_layers=1, num_single_layers=1, attention_head_dim=16, num_attention_heads=2,
        joint_attention_dim=32, pooled_projection_dim=32, axes_dims_rope=[4, 4, 8], guidance_embeds=True,
    )  # fmt: skip
    coder = AutoencoderKL(
        sample_size=32, block_out_channels=(4,), layers_per_block=1, latent_channels=1, norm_num_groups=1,
        use_quant_conv=False, use_post_quant_conv=False, shift_factor=0.06, scaling_factor=1.5,
    )  # fmt: skip
    size = 2 * len(LETTERS) + 2
    long = T5EncoderModel(T5Config(vocab_size=size, d_model=32, d_kv=8, d_ff=37, num_layers=2, num_heads=4))
    FluxKontextPipeline(
        scheduler=FlowMatchEulerDiscreteScheduler(), vae=coder, text_encoder=clip_text(), tokenizer=clip_words(),
        text_encoder_2=long, tokenizer_2=clip_words(), transformer=transformer,
    ).save_pretrained(folder)  # fmt: skip
    return folder


def qwen_image_edit(folder: Path) -> Path:
    from diffusers import (
        AutoencoderKLQwenImage,
        FlowMatchEulerDiscreteScheduler,
        QwenImageEditPlusPipeline,
        QwenImageTransformer2DModel,
    )
    from transformers import (
        Qwen2_5_VLConfig,
        Qwen2_5_VLForConditionalGeneration,
        Qwen2Tokenizer,
        Qwen2VLImageProcessorPil,
        Qwen2VLProcessor,
        Qwen2VLVideoProcessor,
    )

    torch.manual_seed(0)
    special = ["<|im_start|>", "<|im_end|>", "<|vision_start|>", "<|vision_end|>", "<|image_pad|>", "<|video_pad|>"]
    words = {word: i for i, word in enumerate(["<|endoftext|>", *LETTERS, "Ġ", "Ċ", *special])}
    tokenizer = Qwen2Tokenizer(vocab=words, merges=[], additional_special_tokens=special, unk_token="<|endoftext|>")
    small = {"hidden_size": 16, "intermediate_size": 16, "num_hidden_layers": 2, "num_attention_heads": 2}
    config = Qwen2_5_VLConfig(
        text_config={
            **small, "num_key_value_heads": 2, "vocab_size": len(words) + 8,
            "rope_parameters": {"mrope_section": [1, 1, 2], "rope_type": "default", "rope_theta": 1e6},
        },
        vision_config={
            "depth": 2, "hidden_size": 16, "intermediate_size": 16, "num_heads": 2, "out_hidden_size": 16,
            "fullatt_block_indexes": [1],
        },
        image_token_id=words["<|image_pad|>"], video_token_id=words["<|video_pad|>"],
        vision_start_token_id=words["<|vision_start|>"], vision_end_token_id=words["<|vision_end|>"],
    )  # fmt: skip
    QwenImageEditPlusPipeline(
        scheduler=FlowMatchEulerDiscreteScheduler(),
        vae=AutoencoderKLQwenImage(
            base_dim=24, z_dim=4, dim_mult=[1, 2, 4], num_res_blocks=1, temperal_downsample=[False, True],
            latents_mean=[0.0] * 4, latents_std=[1.0] * 4,
        ),
        text_encoder=Qwen2_5_VLForConditionalGeneration(config),
        tokenizer=tokenizer,
        processor=Qwen2VLProcessor(
            image_processor=Qwen2VLImageProcessorPil(min_pixels=28 * 28, max_pixels=64 * 64), tokenizer=tokenizer,
            video_processor=Qwen2VLVideoProcessor(), chat_template="",
        ),
        transformer=QwenImageTransformer2DModel(
            patch_size=2, in_channels=16, out_channels=4, num_layers=1, attention_head_dim=16, num_attention_heads=2,
            joint_attention_dim=16, axes_dims_rope=(8, 4, 4),
        ),
    ).save_pretrained(folder)  # fmt: skip
    return folder
