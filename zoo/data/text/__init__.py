"""Texts: how they become token ids, and the vocabularies that say which."""
