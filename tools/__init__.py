"""What the agent can do to a photo, one file each: open and save, perceive, retouch, export.

Each takes and returns typed, frozen values, and each is also a LangChain tool. Knows nothing of conversations or users.
"""
