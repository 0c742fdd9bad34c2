from __future__ import annotations

from dataclasses import replace

from edgesmith.deploy.bundle import Bundle
from edgesmith.deploy.model_card import render_model_card


def test_card_says_what_it_is_how_good_and_how_it_reads_pictures(bundle: Bundle) -> None:
    card = render_model_card(bundle.manifest)
    assert card.startswith("# tiny flowers\n")
    assert "for 48x40 pixels and 5 classes" in card
    assert "Top-1 81.2% (95 % interval 77.0% to 85.0%) on 400 pictures of the val split" in card
    assert "the short side is resized to 55 pixels (bilinear, antialiased), the middle 48x40 is cut out" in card
    assert "Spelled out in sample_onnxruntime.py, sample_onnxruntime.kt." in card
    assert "- data: flowers, 4 classes" in card
    assert "relative on 6 pictures" in card
    assert "Not measured yet" in card


def test_card_does_not_claim_what_was_not_measured(bundle: Bundle) -> None:
    card = render_model_card(replace(bundle.manifest, metrics={}, provenance={"data_licence": "CC BY 4.0"}))
    assert "Not scored." in card
    assert "Top-1" not in card
    assert "data licence: CC BY 4.0" in card


def test_contended_measurement_says_so(bundle: Bundle) -> None:
    record = {"device": "onnxruntime:threads=2", "ms": 1.0, "low_ms": 0.9, "high_ms": 1.2, "contended": True}
    card = render_model_card(replace(bundle.manifest, latency=(record,)))
    assert "| onnxruntime:threads=2 | 1.000 | 0.900 to 1.200 | not known | contended |" in card


def test_card_shows_the_newest_latency_of_a_device_with_its_conditions(bundle: Bundle) -> None:
    old = {"device": "onnxruntime", "ms": 2.0, "low_ms": 1.9, "high_ms": 2.1}
    conditions = {"cpu": "Some CPU", "runtime": "onnxruntime", "version": "1.2.3", "threads": 1, "steal": 0.01}
    new = {"device": "onnxruntime", "ms": 1.0, "low_ms": 0.9, "high_ms": 1.1, "p90_ms": 1.2, "conditions": conditions}
    card = render_model_card(replace(bundle.manifest, latency=(old, new)))
    row = (
        "| onnxruntime | 1.000 | 0.900 to 1.100 | 1.200 | CPU Some CPU, runtime onnxruntime, version 1.2.3, threads 1 |"
    )
    assert row in card
    assert "2.000" not in card
