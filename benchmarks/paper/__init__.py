"""The speed claims of "Searching for MobileNetV3" on the runtimes of this machine; run by ``paper_speed.py``."""
