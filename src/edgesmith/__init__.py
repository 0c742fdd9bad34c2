"""From your pictures, your device and your millisecond budget to a verified model file."""
