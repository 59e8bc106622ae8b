"""The configs that are broken off, and what they read: a stream of its own, a text, a CSV file."""

from __future__ import annotations

import random
from pathlib import Path

OFTEN = ["log_every=20", "eval_every=90"]
CASES: dict[str, list[str]] = {
    "mlp": ["steps=1200", "checkpoint_every=150", "integrator=explicit_euler"],
    "lstm": ["steps=200", "checkpoint_every=30", "stream=digits_rows", "model=lstm", "split=state", "batch_size=4"],
    "adam": ["steps=800", "checkpoint_every=100", "stream=wine", "arms.pytorch.optimizer=adam",
             "arms.pytorch.lr=0.001"],
    "blocks": ["steps=500", "checkpoint_every=60", "scheme=blocks", "split=state", "model.hidden=[16,16]"],
    "wave": ["steps=500", "checkpoint_every=60", "scheme=wave", "split=state", "model.hidden=[16,16]", "hold=3"],
    "local": ["steps=500", "checkpoint_every=90", "scheme=local", "scheme.stash=true", "split=state", "hold=2"],
    "forward": ["steps=500", "checkpoint_every=90", "scheme=forward", "stream=lorenz", "stream.ticks=1", "model=gru",
                "scenario=gd_a", "arms.pytorch.window=8", "free_run=40"],
    "replay": ["steps=1500", "checkpoint_every=200", "stream=digits_rows", "model=lstm", "engine=replay"],
    "replay_ticks": ["steps=3000", "checkpoint_every=400", "scheme=forward", "stream=lorenz", "stream.ticks=1",
                     "model=rnn", "credit=eligibility", "scenario=gd_b", "engine=replay"],
    "compiled": ["steps=3000", "checkpoint_every=400", "scheme=forward", "stream=lorenz", "stream.ticks=1", "model=gru",
                 "scenario=gd_a", "engine=compiled"],
    "drift": ["steps=600", "checkpoint_every=70", "stream=digits_by_class", "stream.period=170", "stream.blend=40"],
    "signals": ["steps=500", "checkpoint_every=60", "stream=drift", "stream.period=150", "split=state", "model=rnn"],
    "reverse": ["steps=300", "checkpoint_every=40", "stream=sine", "model=rotation", "split=state",
                "checkpointing=reverse"],
    "text": ["steps=300", "checkpoint_every=40", "stream=text", "stream.path=text.txt", "stream.targets=all",
             "model=gru", "scenario=gd_a"],
    "series": ["steps=100000", "checkpoint_every=200", "stream=series", "stream.path=series.csv", "stream.target=y"],
    "yours": ["steps=500", "checkpoint_every=60", "stream=mine:Coin", "model=mine:net", "split=output"],
    "diverging": ["steps=500", "checkpoint_every=50", "scenario=custom", "scenario.lr=0.02", "tau=0.5",
                  "stream=mine:Burst", "+stream.options.at=300", "model=linear", "split=output"],
}  # fmt: skip
MINE = """
import torch
import hl_cli

class Coin(hl_cli.Stream):
    ticks, features, task = 1, 4, hl_cli.Task("classes", 2)

    def __init__(self, batch_size, seed, dtype, device):
        self.shape, self.place, self.seed, self.given = (batch_size, 1, 4), {"dtype": dtype, "device": device}, seed, 0

    def draw(self, number, shape):
        x = torch.randn(shape, generator=torch.Generator().manual_seed(self.seed * 10**6 + number)).to(**self.place)
        return hl_cli.Sample(x, (x.sum((1, 2)) > 0).long())

    def __next__(self):
        self.given += 1
        return self.draw(self.given, self.shape)

    def held_out(self):
        return self.draw(0, (100, 1, 4))

    def state_dict(self):
        return {"given": self.given}

    def load_state_dict(self, state):
        self.given = state["given"]

class Burst(Coin):
    def __init__(self, at, **given):
        super().__init__(**given)
        self.at = at

    def draw(self, number, shape):
        sample = super().draw(number, shape)
        return sample if number < self.at else sample._replace(inputs=sample.inputs * 1e38)

def net(features, ticks, outputs, every):
    nn = torch.nn
    layers = nn.Linear(features * ticks, 8), nn.Tanh(), nn.Dropout(0.3), nn.Linear(8, outputs)
    return nn.Sequential(nn.Flatten(), *layers)
"""


def supply(folder: Path) -> None:
    """Write what the configs read."""
    (folder / "mine.py").write_text(MINE)
    (folder / "text.txt").write_text("to learn over time is to forget a little of it\n" * 40)
    draw = random.Random(1)
    (folder / "series.csv").write_text("x,y\n" + "".join(f"{draw.random()},{draw.random()}\n" for _ in range(700)))
