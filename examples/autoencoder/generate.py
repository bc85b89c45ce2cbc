"""Writes autoencoder.npz: the first 1,000 of the 8 x 8 digits that scikit-learn brings. Prints the log likelihood without latents.

Alpaydin & Kaynak (1998), Optical Recognition of Handwritten Digits, UCI Machine Learning Repository, CC BY 4.0. A pixel counts
the black points, 0 to 16, in a block of 4 x 4.
"""

import numpy as np
from sklearn.datasets import load_digits

images = load_digits().images[:1000].astype(np.uint8)
np.savez_compressed("autoencoder.npz", train_images=images, pixels=np.int32(64))

white = images.reshape(1000, 64) > 8
share = np.clip(white.mean(0), 1e-12, 1 - 1e-12)
independent = np.sum(white * np.log(share) + ~white * np.log(1 - share))
print(f"pixels by themselves: log p(x) = {independent:.1f}")
