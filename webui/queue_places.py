"""What waits in the page's queue and what is at work; the one place that looks into Gradio's own Queue for it."""

from webui.turnstile import address_of


def queued(blocks, behind_proxy=False):
    """(session, address) of each event that waits or is worked on. behind_proxy: as of address_of."""
    queue = blocks._queue
    waiting = [event for line in queue.event_queue_per_concurrency_id.values() for event in line.queue]
    at_work = [event for job in queue.active_jobs if job is not None for event in job]
    return [(event.session_hash, address_of(event.request.scope, behind_proxy)) for event in waiting + at_work]
