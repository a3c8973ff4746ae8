"""What can go wrong, as one line for the person who runs the benchmark."""


class BenchError(Exception):
    """A run or one server cannot go on. The message says what to do."""


class NotInstalledError(BenchError):
    """A program is missing; the message has the command that installs it."""
