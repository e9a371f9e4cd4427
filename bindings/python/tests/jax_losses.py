"""Losses of JAX."""

import jax
import jax.numpy as jnp


def logsumexp(views, temperature):
    """SimCLR by `logsumexp`."""
    z = views.reshape(-1, views.shape[-1])
    z = z / jnp.linalg.norm(z, axis=1, keepdims=True)
    n = len(z) // 2
    scores = jnp.where(jnp.eye(2 * n, dtype=bool), -jnp.inf, z @ z.T / temperature)
    positive = jnp.concatenate([jnp.diagonal(scores, n), jnp.diagonal(scores, -n)])
    return (jax.nn.logsumexp(scores, axis=1) - positive).mean()


def positive_missing(views, temperature):
    z = views.reshape(-1, views.shape[-1])
    z = z / jnp.linalg.norm(z, axis=1, keepdims=True)
    n = len(z) // 2
    scores = z @ z.T / temperature
    positive = jnp.concatenate([jnp.diagonal(scores, n), jnp.diagonal(scores, -n)])
    pairs = jnp.tile(jnp.eye(n, dtype=bool), (2, 2))
    return (jax.nn.logsumexp(jnp.where(pairs, -jnp.inf, scores), axis=1) - positive).mean()


def one_anchor_at_a_time(z_a, z_b, temperature):
    """Each anchor by itself, mapped over the batch; the self pair has no weight."""
    z = jnp.concatenate([z_a, z_b])
    z = z * jax.lax.rsqrt((z * z).sum(-1, keepdims=True))
    n = len(z_a)

    def of_anchor(i):
        scores = z @ z[i] / temperature
        total = jax.nn.logsumexp(scores, where=jnp.arange(2 * n) != i)
        return total - scores[(i + n) % (2 * n)]

    return jax.vmap(of_anchor)(jnp.arange(2 * n)).mean()


def second_view_stopped(z_a, z_b, temperature):
    return one_anchor_at_a_time(z_a, jax.lax.stop_gradient(z_b), temperature)
