"""What Gradio keeps inside and tells nobody: the one file that looks there, so that a new Gradio breaks no other."""

from webui.turnstile import address_of


def queued(blocks, behind_proxy=False):
    """(session, address) of each event that waits or is worked on. behind_proxy: as of address_of."""
    queue = blocks._queue
    waiting = [event for line in queue.event_queue_per_concurrency_id.values() for event in line.queue]
    at_work = [event for job in queue.active_jobs if job is not None for event in job]
    return [(event.session_hash, address_of(event.request.scope, behind_proxy)) for event in waiting + at_work]


def keep_few_sessions(blocks, number):
    """Bound what Gradio knows of visitors, 0.15 MB each: it would keep 10,000. To be called before it is mounted."""
    blocks.state_session_capacity = number


def forget(blocks, session):
    """Drop what Gradio knows of a visitor who has left; it would keep it until 10,000 others have come."""
    holder = blocks.state_holder
    with holder.lock:
        holder.session_data.pop(session, None)
        holder.time_last_used.pop(session, None)
    queue = blocks._queue
    queue.pending_messages_per_session.pop(session, None)
