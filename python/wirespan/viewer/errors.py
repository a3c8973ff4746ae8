"""What can go wrong with the store. The messages are for the operator."""

from wirespan.errors import WirespanError


class StoreError(WirespanError):
    """The store cannot be opened or written."""


class StoreBusy(StoreError):  # noqa: N818 - it is what the sender is told
    """More waits to be written than is sensible: senders should try again later."""
