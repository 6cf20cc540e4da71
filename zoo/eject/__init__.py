"""Eject: one run as a plain script that needs no zoo, for taking home, reading and changing.

from zoo.eject.ejecting import eject
eject("lenet", "digits", Path("lenet-digits"))     # lenet-digits/train.py and lenet-digits/recipe.toml
"""
