"""The conversation: state, graph, planner (served or embedded), decide, review and the edit tree.

A turn runs perceive → recall → understand → decide → render → review → present; a like runs learn. Knows no Gradio.
"""
