"""Calls that come while one is at work are done together after it: so many answers share one flush of the disk."""

import asyncio

from anyio import to_thread

_MOST = 100  # in one batch


class Batches:
    """do_all(list of what was given) -> list of results, one each, exceptions among them; it runs in a thread."""

    def __init__(self, do_all):
        self._do_all = do_all
        self._waiting = []  # (given, future)
        self._worker = None

    async def ask(self, given):
        """The result for `given`; raises the exception that is its result, or that do_all itself raised."""
        future = asyncio.get_running_loop().create_future()
        self._waiting.append((given, future))
        if self._worker is None:
            self._worker = asyncio.create_task(self._work())
        return await future

    async def _work(self):
        while self._waiting:
            batch, self._waiting = self._waiting[:_MOST], self._waiting[_MOST:]
            try:
                results = await to_thread.run_sync(self._do_all, [given for given, _ in batch])
            except Exception as error:  # each of those who wait is told
                results = [error] * len(batch)
            for (_, future), result in zip(batch, results):
                if future.cancelled():  # whoever asked has gone
                    continue
                if isinstance(result, Exception):
                    future.set_exception(result)
                else:
                    future.set_result(result)
        self._worker = None
