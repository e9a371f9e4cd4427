"""optax: labels are the images."""

from entry import Entry, Finding, Package

PACKAGE = Package("optax", "0.2.8", "https://github.com/google-deepmind/optax", needs=("absl-py==2.3.1",))


def ntxent():
    import jax.numpy as jnp
    import optax

    def ntxent(z_i, z_j, temperature):
        images = jnp.arange(z_i.shape[0])
        return optax.losses.ntxent(jnp.concatenate([z_i, z_j]), jnp.concatenate([images, images]), temperature)

    return ntxent


def of_unit_rows():
    import jax.numpy as jnp

    loss = ntxent()

    def unit(rows):
        return rows / jnp.linalg.norm(rows, axis=-1, keepdims=True)

    def ntxent_of_unit_rows(z_i, z_j, temperature):
        return loss(unit(z_i), unit(z_j), temperature)

    return ntxent_of_unit_rows


NOT_A_NUMBER = Finding(
    "limit",
    "Where all negatives of an anchor lie more than 87 t (f32) below its positive, the gradient is NaN: images that are told "
    "apart best, from t = 0.02 down.",
    "optax-ntxent",
)
ENTRIES = [
    Entry(
        "optax-ntxent",
        PACKAGE,
        "optax.losses.ntxent",
        ntxent,
        framework="jax",
        findings=(
            Finding(
                "convention",
                "Squared norms are raised to the type's epsilon: in f32, rows shorter than 0.00035 are not brought to norm 1. All "
                "that fails at the usual temperatures is this: the next row is the same loss of rows of norm 1.",
            ),
            NOT_A_NUMBER,
        ),
    ),
    Entry(
        "optax-ntxent-unit",
        PACKAGE,
        "optax.losses.ntxent, of rows of norm 1",
        of_unit_rows,
        framework="jax",
        findings=(NOT_A_NUMBER,),
    ),
]
