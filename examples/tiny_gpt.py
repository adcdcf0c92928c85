"""A character-level GPT whose linear layers are structured ones, trained from scratch.

    python examples/tiny_gpt.py                       on the text of Python's own help
    python examples/tiny_gpt.py --layer dense         the same network as it is
    python examples/tiny_gpt.py --text shakespeare.txt --steps 5000

``replace_linear`` is the only line that is not an ordinary GPT's. The head, which shares its
weight with the table of characters, stays as it is.
"""
# ruff: noqa: T201

import argparse
import math
from pathlib import Path
from pydoc_data.topics import topics

import torch
from torch import nn
from torch.nn import functional

from cdbench.torch import param_groups, replace_linear


class Attention(nn.Module):
    """Causal multi-head self-attention."""

    def __init__(self, width: int, heads: int) -> None:
        super().__init__()
        self.heads = heads
        self.qkv = nn.Linear(width, 3 * width)
        self.project = nn.Linear(width, width)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        """Return (batch, length, width) for such an ``x``."""
        batch, length, width = x.shape
        of_heads = self.qkv(x).view(batch, length, 3, self.heads, -1).permute(2, 0, 3, 1, 4)
        y = functional.scaled_dot_product_attention(*of_heads.unbind(0), is_causal=True)
        return self.project(y.transpose(1, 2).reshape(batch, length, width))


class Block(nn.Module):
    """Attention and a network of two layers, each added to what came in."""

    def __init__(self, width: int, heads: int) -> None:
        super().__init__()
        self.before_attention, self.attention = nn.LayerNorm(width), Attention(width, heads)
        self.mlp = nn.Sequential(
            nn.LayerNorm(width), nn.Linear(width, 4 * width), nn.GELU(), nn.Linear(4 * width, width)
        )

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        """Return (batch, length, width) for such an ``x``."""
        x = x + self.attention(self.before_attention(x))
        return x + self.mlp(x)


class GPT(nn.Module):
    """Logits of the next character at each place, (batch, length, symbols)."""

    def __init__(
        self, symbols: int, length: int, width: int = 128, depth: int = 4, heads: int = 4
    ) -> None:
        super().__init__()
        self.characters, self.places = nn.Embedding(symbols, width), nn.Embedding(length, width)
        self.blocks = nn.Sequential(*(Block(width, heads) for _ in range(depth)))
        self.norm, self.head = nn.LayerNorm(width), nn.Linear(width, symbols, bias=False)
        nn.init.normal_(self.characters.weight, std=0.02)
        self.head.weight = self.characters.weight

    def forward(self, text: torch.Tensor) -> torch.Tensor:
        """Return the logits for symbols (batch, length)."""
        places = torch.arange(text.shape[1], device=text.device)
        return self.head(self.norm(self.blocks(self.characters(text) + self.places(places))))


def loss_of(model: GPT, text: torch.Tensor, starts: torch.Tensor, length: int) -> torch.Tensor:
    """Return the mean cross-entropy, in nats, of pieces of the text that begin at ``starts``."""
    pieces = text[starts[:, None] + torch.arange(length + 1)]
    return functional.cross_entropy(model(pieces[:, :-1]).flatten(0, 1), pieces[:, 1:].flatten())


def main(arguments: list[str] | None = None) -> dict[str, float]:
    """Train; return bits per character before and after, on text that was not trained on."""
    parser = argparse.ArgumentParser(description="a character-level GPT of structured layers")
    parser.add_argument("--text", type=Path, help="a text; else that of Python's own help")
    parser.add_argument("--layer", default="cdlinear:4", help="a specification, or dense")
    parser.add_argument("--steps", type=int, default=1000)
    parser.add_argument("--lr", type=float, default=1e-3)
    parser.add_argument("--quick", action="store_true", help="a small network, some steps")
    given = parser.parse_args(arguments)
    torch.manual_seed(0)
    text = "\n".join(topics.values()) if given.text is None else given.text.read_text("utf-8")
    symbols = sorted(set(text))
    encoded = torch.tensor([symbols.index(own) for own in text[: 20_000 if given.quick else None]])
    train, test = encoded[: -len(encoded) // 10], encoded[-len(encoded) // 10 :]
    length, sizes = (32, {"width": 32, "depth": 2}) if given.quick else (128, {})
    model = GPT(len(symbols), length, **sizes)
    if given.layer != "dense":
        print(replace_linear(model, given.layer, init="fresh"))
    optimizer = torch.optim.AdamW(param_groups(model, given.lr))
    held_out = torch.arange(0, len(test) - length, length)[:64]

    def bits() -> float:
        with torch.no_grad():
            return loss_of(model, test, held_out, length).item() / math.log(2)

    before = bits()
    for step in range(60 if given.quick else given.steps):
        loss = loss_of(model, train, torch.randint(len(train) - length, (16,)), length)
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
        if step % 100 == 0:
            print(f"step {step}: {loss.item() / math.log(2):.2f} bits per character")
    found = {"before": before, "after": bits()}
    print(f"held-out text: {before:.2f} → {found['after']:.2f} bits per character")
    return found


if __name__ == "__main__":
    main()
