"""What a person likes: an append-only log that is the truth, a Chroma index that can be rebuilt from it, an estimator.

Written by code on explicit feedback only, and read for one user at a time. Knows nothing of the graph or the UI.
"""
