"""From your pictures, your device and your millisecond budget to a verified model file."""

__version__ = "0.1.0"
