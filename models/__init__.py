"""Numerics and networks: attributes, parameter map, bilateral grid, renderer, denoiser, segmenter, scene encoder.

Knows pixels, regions and numbers; knows nothing of language, users or their files. `training/` makes the weights that
lie in `weights/`. Import the module you need; nothing heavy is imported here.
"""
