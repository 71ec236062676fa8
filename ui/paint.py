"""What a handler gives back: new values of some components, by component."""

from typing import Any

Paint = dict[Any, Any]
