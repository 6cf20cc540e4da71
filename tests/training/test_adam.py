"""The fused Adam moves every weight as Keras' does from the same dense gradients."""

import keras
import numpy as np
import pytest
import tensorflow as tf

from zoo.training.adam import FusedAdam, FusedAdamW


@pytest.mark.parametrize(
    ("ours", "theirs"),
    [
        (FusedAdam(0.01), keras.optimizers.Adam(0.01)),
        (FusedAdam(0.01, global_clipnorm=0.1), keras.optimizers.Adam(0.01, global_clipnorm=0.1)),
        (FusedAdamW(0.01, weight_decay=0.1), keras.optimizers.AdamW(0.01, weight_decay=0.1)),
    ],
    ids=["adam", "clipped", "adamw"],
)
def test_the_fused_update_is_keras_own(ours, theirs):
    random = np.random.default_rng(0)
    table, matrix = random.normal(size=(50, 4)).astype("float32"), random.normal(size=(4, 3)).astype("float32")
    batches = [tf.constant(random.integers(0, 50, (2, 5))) for _ in range(20)]
    results = []
    for optimizer in (ours, theirs):
        weights = [keras.Variable(table), keras.Variable(matrix)]
        optimizer.build(weights)
        for ids in batches:
            with tf.GradientTape() as tape:
                loss = tf.reduce_mean(tf.tanh(tf.gather(weights[0].value, ids) @ weights[1].value) ** 2)
            gradients = tape.gradient(loss, [w.value for w in weights])
            assert isinstance(gradients[0], tf.IndexedSlices)
            gradients = [tf.convert_to_tensor(gradient) for gradient in gradients]
            optimizer.apply_gradients(zip(gradients, weights, strict=True))
        results.append([np.array(w) for w in weights])
    for mine, kerass, start in zip(*results, (table, matrix), strict=True):
        np.testing.assert_allclose(mine, kerass, atol=2e-6)
        assert np.abs(mine - start).max() > 0.05
