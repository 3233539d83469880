"""What can go wrong that the user can fix; every message says what was expected, what came and what to do.

WhetstoneError            exit status 2, one line on standard error, no traceback
├── BadImage              the bytes are no picture we read: empty, truncated, another format
│   └── TooManyPixels     its header says more pixels than the caller allows
├── BadVideo              a video file that cannot be read: no pictures in it, truncated, unknown coder
├── SourceLost            a camera that is not there, busy, not allowed, or was unplugged
├── SinkLost              no virtual-camera driver, or another program holds it, or it went away
├── BadSetting            an argument is outside its range: strength, size, seed, port, an unknown option value
├── UnknownModel          no card of that name or at that path
├── BadCard               a card or its weights are not what they claim: unknown key, wrong shape, wrong hash
├── UnknownBackend        no engine of that name, or its package is not installed
├── ClusterLost           no Ray cluster here or at the address, or it went away
├── BadData               a training or evaluation folder without usable pictures
└── BadOutput             the result cannot be written: folder missing or read-only, disk full, file exists

Anything else that is raised is our fault: a traceback and exit status 1.
"""


class WhetstoneError(Exception):
    """Something the user can fix; str() is one complete line."""


class BadImage(WhetstoneError):
    """The bytes are not a picture that can be read safely."""


class TooManyPixels(BadImage):
    """The header says more pixels than the caller allows."""


class BadVideo(WhetstoneError):
    """A video file that cannot be read, or not to its end."""


class SourceLost(WhetstoneError):
    """A camera that gives no frames: absent, busy, forbidden, unplugged."""


class SinkLost(WhetstoneError):
    """A virtual camera that takes no frames: no driver, busy, gone."""


class BadSetting(WhetstoneError):
    """A setting is outside its range or not one of its choices."""


class UnknownModel(WhetstoneError):
    """No model card of that name or path."""


class BadCard(WhetstoneError):
    """A model card or its weights file is damaged or from another version."""


class UnknownBackend(WhetstoneError):
    """An inference engine that does not exist or is not installed."""


class ClusterLost(WhetstoneError):
    """No Ray cluster where one was asked for, or it went away."""


class BadData(WhetstoneError):
    """A folder of pictures that cannot be trained or evaluated on."""


class BadOutput(WhetstoneError):
    """The result cannot be written where it was asked for."""
