"""The state of a pipeline, whatever the number of its processes: what each has of it, put together as one has it."""

from __future__ import annotations

from typing import Any

from hl_cli.parallel.world import World


def gathered(world: World, stages: dict[int, dict[str, Any]], way: dict[str, Any]) -> dict[str, Any]:
    """Bring the state of all stages, bottom first, and of the way between them to rank 0; others get nothing.

    stages: those of this rank, by their place in the net; way: a dictionary in it is by places too, anything else is
    the same in all ranks. So a run that was saved in two processes goes on in one, or in three.
    """
    found = world.gather_objects((stages, way))
    if not found:
        return {}
    whole = {k: stage for mine, _ in found for k, stage in mine.items()}
    joined = {
        name: {k: tensor for _, way in found for k, tensor in way[name].items()} if isinstance(of, dict) else of
        for name, of in way.items()
    }
    return {"stages": [whole[k] for k in sorted(whole)], **joined}
