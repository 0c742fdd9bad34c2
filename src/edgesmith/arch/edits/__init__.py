"""Edits: functions from a spec to a new spec. The paper's ablations, and what detection and segmentation change."""
