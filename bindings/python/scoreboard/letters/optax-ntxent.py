import jax
import jax.numpy as jnp
import optax

rows = jnp.concatenate([jnp.eye(4), jnp.eye(4)])  # four images: both views equal, images orthogonal
labels = jnp.array([0, 1, 2, 3, 0, 1, 2, 3])
for t in (0.07, 0.02, 0.01):
    value, gradient = jax.value_and_grad(lambda z: optax.losses.ntxent(z, labels, t))(rows)
    print(f"t = {t}: loss {value:.3g}, NaN in the gradient: {bool(jnp.isnan(gradient).any())}")
opposite = jnp.concatenate([rows[:1], -rows[:1], rows[:1], -rows[:1]])  # two images, opposite
value, gradient = jax.value_and_grad(lambda z: optax.losses.ntxent(z, jnp.array([0, 1, 0, 1]), 0.02))(opposite)
print(f"t = 0.02, opposite images: loss {value:.3g}, NaN in the gradient: {bool(jnp.isnan(gradient).any())}")
