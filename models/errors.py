"""The exception tree. Every error a person can meet derives from `BurnishError` and its text says what to do next.

BurnishError
├── PhotoError       a file cannot be opened, read or written
├── RecipeError      a recipe is damaged, of a newer schema, or names an unknown region or attribute
├── PlanError        a planner's answer does not fit the closed vocabulary
├── ServerError      the served language model is down, slow or answers nonsense
├── WeightsError     a weight file is missing, or its sha256 is not the pinned one
├── PreferenceError  the preference log or index cannot be used
└── ConversationError  an unknown thread or version, or nothing to undo
"""


class BurnishError(Exception):
    """Base of all errors whose message is meant for a person."""


class PhotoError(BurnishError):
    """A photo file cannot be opened, read or written."""


class RecipeError(BurnishError):
    """A recipe is damaged, too new, or names something unknown."""


class PlanError(BurnishError):
    """A planner's answer does not fit the closed vocabulary."""


class ServerError(BurnishError):
    """The served language model is down, slow or answers nonsense."""


class WeightsError(BurnishError):
    """A weight file is missing or is not the one that was pinned."""


class PreferenceError(BurnishError):
    """The preference log or its index cannot be used."""


class ConversationError(BurnishError):
    """The thread or version asked for does not exist, or there is nothing to undo."""
