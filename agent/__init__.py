"""The conversation: state, graph, planner (served or embedded), decide, review and the edit tree.

A turn runs perceive → recall → understand → decide → render → review → present; a like runs learn. Knows no Gradio.
"""

import os

# Read by langgraph when it is first imported: checkpoints may then only hold the types of our own state.
os.environ["LANGGRAPH_STRICT_MSGPACK"] = "true"
