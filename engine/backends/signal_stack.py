"""Gives a thread back the signal stack that it had before a library put one of its own in the place.

OpenVINO does so on processors with AMX, for the thread that compiles, and frees that stack with the compiled model; the
next Ctrl-C then ran on memory that was gone and ended the process with a segmentation fault.
"""

import contextlib
import ctypes
import sys

_DISABLED = 2  # SS_DISABLE of <signal.h> on Linux


class _Stack(ctypes.Structure):
    """stack_t of <signal.h> on Linux."""

    _fields_ = (("pointer", ctypes.c_void_p), ("flags", ctypes.c_int), ("size", ctypes.c_size_t))


@contextlib.contextmanager
def kept_signal_stack():
    """The calling thread's alternate signal stack is afterwards what it was before; does nothing but on Linux."""
    if not sys.platform.startswith("linux"):
        yield
        return
    before = signal_stack()
    try:
        yield
    finally:
        if signal_stack() != before:
            _set(*before) or _set(None, _DISABLED, 0)  # without one a handler runs on the thread's own stack


def signal_stack():
    """(pointer, flags, size) of the calling thread's alternate signal stack."""
    found = _Stack()
    ctypes.CDLL(None).sigaltstack(None, ctypes.byref(found))
    return found.pointer, found.flags, found.size


def _set(pointer, flags, size):
    """Whether the system took it: it refuses one that is too small."""
    return ctypes.CDLL(None).sigaltstack(ctypes.byref(_Stack(pointer, flags, size)), None) == 0
