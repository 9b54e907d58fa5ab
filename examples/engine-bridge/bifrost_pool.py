"""Stands where the engine has its process pool: hands executions to bifrost workers by way of bridge.mjs."""

import asyncio
import json


class BifrostPool:
    """Has of a pool what a consumer of executions uses: start, stop, route_execution and on_result."""

    def __init__(self, redis):
        """redis: a redis.asyncio.Redis with decode_responses=True."""
        self._redis = redis
        self._task = None
        # async callable that takes the result document of an execution
        self.on_result = None

    async def start(self):
        self._task = asyncio.create_task(self._read_results())

    async def stop(self):
        if self._task:
            self._task.cancel()
            await asyncio.gather(self._task, return_exceptions=True)

    async def route_execution(self, execution_id, context):
        key = f"bifrost:exec:{execution_id}:context"
        await self._redis.setex(key, 3600, json.dumps(context, default=str))
        await self._redis.rpush("bifrost:bridge:jobs", execution_id)

    async def _read_results(self):
        while True:
            entry = await self._redis.blpop(["bifrost:bridge:results"], timeout=1)
            if entry and self.on_result:
                await self.on_result(_as_of_a_pool(json.loads(entry[1])))


def _as_of_a_pool(result):
    """The result as a pool reports it: its own name of a success, whole milliseconds."""
    value = result["result"]
    with_errors = isinstance(value, dict) and value.get("success") is False
    if result["success"]:
        result["status"] = "CompletedWithErrors" if with_errors else "Success"
    result["duration_ms"] = round(result["duration_ms"])
    return result
