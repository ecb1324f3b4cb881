"""Autoencoders in torch. Only this package imports torch; the rest of the library reaches it through the catalog."""
