"""How the shipped weights are made: pairs on the fly, the retouch model, the segmenter; `LOG.md` is the lab log.

Every command takes any folder of photos, shows progress, writes checkpoints and resumes from them.
"""
