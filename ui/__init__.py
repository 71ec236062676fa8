"""The Gradio app and the `burnish` command line, both thin over `agent` and `memory`.

Nothing here knows how a photo is retouched; it shows, asks and passes on.
"""
