"""Neural networks in NumPy, forward and backward, as one derives them by hand. The Keras layers are tested against it.

Notation, everywhere: L is the loss, a mean over the batch; dX means dL/dX and has the shape of X. Batch first:
X is (n, features), W (features, units), b (units,). Each backward function takes dL/d(its output), given by the
function after it, and returns dL/d(its inputs) by the chain rule.
"""
