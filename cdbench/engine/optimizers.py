"""Update rules on the network's flat vector of parameters."""

from abc import ABC, abstractmethod

import numpy as np

from cdbench.engine.products.base import Array
from cdbench.engine.products.workspace import aligned


class Optimizer(ABC):
    """An update rule with its own state.

    Parameters
    ----------
    parameters : (n_parameters,) or (S, n_parameters) float
        Parameters to update in place, of one network or of a stack.
    learning_rate : float or (n_parameters,) float, or (S, 1) or (S, n_parameters) of a stack
        Step size η, for all parameters or for each.
    momentum : float
        Decay factor of the memory of past gradients.
    """

    def __init__(self, parameters: Array, learning_rate: float | Array, momentum: float) -> None:
        self.parameters = parameters
        self.learning_rate, self.momentum = learning_rate, momentum

    @abstractmethod
    def step(self, gradient: Array) -> None:
        """Update the parameters in place; ``gradient`` may be overwritten."""


class SGD(Optimizer):
    """Gradient descent with momentum: v ← m v − η g, θ ← θ + v (Sec. VI.1)."""

    def __init__(self, parameters: Array, learning_rate: float | Array, momentum: float) -> None:
        super().__init__(parameters, learning_rate, momentum)
        self.velocity = aligned(parameters.shape, parameters.dtype)

    def step(self, gradient: Array) -> None:
        """Update velocity and parameters in place."""
        gradient *= self.learning_rate
        self.velocity *= self.momentum
        self.velocity -= gradient
        self.parameters += self.velocity


class Adam(Optimizer):
    """Adam (Kingma and Ba 2015, the paper's reference [21]), algorithm 1 with bias correction.

    The first-moment decay β₁ is the configuration's momentum; the rest is from that paper. Its
    steps do not grow with the gradient: each entry of c, and so of W, moves by about η for any B.
    Weight-space scaling (``trainer.learning_rates``) therefore moves entries of W B times less than
    in a dense layer; with SGD it moves them equally far.

    Attributes
    ----------
    second_moment_decay, epsilon : float
        β₂, and ε, which is added to the root of the second moment; to be set ahead of the first
        step, if at all.
    """

    def __init__(self, parameters: Array, learning_rate: float | Array, momentum: float) -> None:
        super().__init__(parameters, learning_rate, momentum)
        self.second_moment_decay, self.epsilon = 0.999, 1e-8
        self.first = aligned(parameters.shape, parameters.dtype)
        self.second = aligned(parameters.shape, parameters.dtype)
        self._work = aligned(parameters.shape, parameters.dtype)
        self.n_steps = 0

    def step(self, gradient: Array) -> None:
        """Update both moments and the parameters in place."""
        self.n_steps += 1
        work = self._work
        np.subtract(gradient, self.first, out=work)
        work *= 1 - self.momentum
        self.first += work
        np.multiply(gradient, gradient, out=gradient)
        gradient -= self.second
        gradient *= 1 - self.second_moment_decay
        self.second += gradient
        np.divide(self.second, 1 - self.second_moment_decay**self.n_steps, out=work)
        np.sqrt(work, out=work)
        work += self.epsilon
        np.multiply(self.first, self.learning_rate, out=gradient)
        gradient /= 1 - self.momentum**self.n_steps
        gradient /= work
        self.parameters -= gradient


class AdamW(Adam):
    """Adam with decoupled weight decay (Loshchilov and Hutter 2019, algorithm 2).

    Before Adam's step, θ ← θ − η λ θ for the parameters that decay.

    Parameters
    ----------
    parameters, learning_rate, momentum
        As for any optimiser.
    weight_decay : float
        λ.
    decayed : (n_parameters,) float, optional
        1 for each parameter that decays, 0 for the others; by default all do.
    """

    def __init__(
        self,
        parameters: Array,
        learning_rate: float | Array,
        momentum: float,
        weight_decay: float = 0.0,
        decayed: Array | None = None,
    ) -> None:
        super().__init__(parameters, learning_rate, momentum)
        share = np.ones(1, parameters.dtype) if decayed is None else decayed
        self._decay = (weight_decay * share).astype(parameters.dtype, copy=False)

    def step(self, gradient: Array) -> None:
        """Decay, and update both moments and the parameters in place."""
        work = self._work
        np.multiply(self.parameters, self._decay, out=work)
        work *= self.learning_rate
        self.parameters -= work
        super().step(gradient)


OPTIMIZERS: dict[str, type[Optimizer]] = {"sgd": SGD, "adam": Adam, "adamw": AdamW}
