"""Load and run one model file on this machine; no torch, one module a runtime."""
