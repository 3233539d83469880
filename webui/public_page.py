"""What differs on a page that is open to anybody: smaller limits, and the names of a Hugging Face Space."""

from webui.live_visitors import LiveLimits
from webui.picture_desk import Limits
from webui.turnstile import VisitLimits

# Made for the smallest Space: two processor cores, 16 GB of memory, 50 GB of disk, no GPU.
MEGAPIXELS = 24.0
LIVE = LiveLimits(places=4, at_once=2, max_pixels=1280 * 720, max_bytes=2**20, messages_per_s=60, idle_s=30.0)
VISITS = VisitLimits(
    events_per_s=15.0, events_burst=100.0, upload_bytes_per_s=4.0 * 2**20, upload_burst=300.0 * 2**20, waiting=24
)

_SPACES = "https://huggingface.co"  # shows a Space in a frame


def picture_limits(max_pixels):
    """Limits of the picture tab."""
    return Limits(
        max_pixels=max_pixels,
        max_file_bytes=30 * 2**20,
        max_files=20,
        max_total_bytes=120 * 2**20,
        max_visitors=50,
        job_s=60.0,
        unclaimed_s=300.0,
        idle_s=900.0,
    )


def space_hosts(environ):
    """The host names of the Space that this process is, from its environment variables; none elsewhere."""
    names = environ.get("SPACE_HOST", "").split(",")  # several when it has a domain of its own
    return tuple(name.strip().lower() for name in names if name.strip())


def space_frames(environ):
    """The origins that may show the page in a frame."""
    return (_SPACES,) if environ.get("SPACE_ID") else ()
