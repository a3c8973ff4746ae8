"""What can go wrong with the store. The messages are for the operator."""

from wirespan.errors import WirespanError


class StoreError(WirespanError):
    """The store cannot be opened or written.

    Attributes:
        retry_after_s: seconds after which a sender may try again.
    """

    def __init__(self, message: str, *, retry_after_s: int = 1) -> None:
        super().__init__(message)
        self.retry_after_s = retry_after_s


class StoreBusy(StoreError):  # noqa: N818 - it is what the sender is told
    """More waits to be written than is sensible: senders should try again later."""
