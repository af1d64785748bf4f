"""The errors that are meant for a person."""


class InputError(Exception):
    """Something a person gave (a file, a field) cannot be used.

    The message is one line that names the file, the field and what to do. The command line shows it
    without a traceback; every other exception is a defect of neuropil and keeps its traceback.
    Among many items, one that raises this is recorded as failed with the message, and the rest go on.
    """

    def __init__(self, message: str) -> None:
        super().__init__(" ".join(str(message).split()))


class MachineError(InputError):
    """The machine cannot go on (disk full, no permission): no other item would do better, so the run stops."""
