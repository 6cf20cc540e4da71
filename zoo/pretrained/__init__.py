"""Weights: those that the zoo brings along, those of others, and how they come into a network.

    zoo.build("lenet", weights="mnist")     # a network with trained weights
    zoo.load("lenet:mnist").model           # the same with its preprocessing: raw pixels in

Weights are named `MODEL:DATASET` (see `zoo weights ls`), or are a run directory, or a folder that `zoo publish` wrote.
Importing this imports no framework.
"""
