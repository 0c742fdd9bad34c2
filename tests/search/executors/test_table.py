"""Executors by name."""

from __future__ import annotations

import sys

import pytest

from edgesmith.core.errors import MissingExtraError, RunError, UsageError
from edgesmith.search.executors import table
from edgesmith.search.executors.ray import Ray, device_resource
from edgesmith.search.executors.table import make_executor


@pytest.mark.parametrize(("text", "slots"), [("here", 1), ("processes:3", 3)])
def test_a_name_may_carry_a_number(text: str, slots: int) -> None:
    executor = make_executor(text)
    assert executor.slots == slots
    executor.close()


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("here:2", "say here, or processes:2"),
        ("processes:0", "at least 1 worker process, got 0"),
        ("processes:two", "processes takes a number of processes, as in processes:4, got 'two'"),
        ("ray:auto,gpu=1", "unknown need of a job 'gpu'; did you mean 'gpus'"),
        ("ray:auto,gpus=half", "ray takes a number of gpus, as in ray:auto,gpus=0.5, got 'half'"),
        ("proceses", "unknown executor 'proceses'; did you mean 'processes'"),
    ],
)
def test_what_is_wrong_is_said_in_one_line(text: str, message: str) -> None:
    with pytest.raises(UsageError, match=message) as error:
        make_executor(text)
    assert "\n" not in str(error.value)


@pytest.mark.parametrize(
    ("text", "wanted"),
    [
        ("ray", (None, 1, 0)),
        ("ray:auto", ("auto", 1, 0)),
        ("ray:gpus=1", (None, 1, 1)),
        ("ray:10.0.0.1:6379,gpus=0.5,cpus=2", ("10.0.0.1:6379", 2, 0.5)),
        ("ray://host:10001,gpus=0.25", ("ray://host:10001", 1, 0.25)),
    ],
)
def test_ray_takes_an_address_and_what_a_job_needs(
    monkeypatch: pytest.MonkeyPatch, text: str, wanted: tuple[str | None, float, float]
) -> None:
    asked: list[tuple[str | None, float, float]] = []

    def made(*, address: str | None, num_cpus: float, num_gpus: float) -> None:
        asked.append((address, num_cpus, num_gpus))

    monkeypatch.setattr(table, "Ray", made)
    make_executor(text)
    assert asked == [wanted]


def test_without_ray_the_extra_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "ray", None)
    with pytest.raises(MissingExtraError, match=r"ray is not installed; pip install 'edgesmith\[ray\]' brings it"):
        make_executor("ray")


def test_a_job_takes_something() -> None:
    with pytest.raises(UsageError, match="more than 0 CPUs"):
        Ray(num_cpus=0)


@pytest.mark.parametrize(
    ("device", "name"), [("onnxruntime", "device-onnxruntime"), ("Pixel 7 (adb)", "device-pixel-7-adb")]
)
def test_a_device_is_a_resource(device: str, name: str) -> None:
    assert device_resource(device) == name


@pytest.mark.parametrize("address", ["127.0.0.1:1", "ray://127.0.0.1:1", "127.0.0.1:port"])
def test_a_cluster_that_is_not_there_is_said_in_one_line(address: str) -> None:
    pytest.importorskip("ray", reason="ray is not installed")
    with pytest.raises(RunError, match=f"no Ray cluster at {address}: ") as error:
        make_executor(f"ray:{address}")
    assert "\n" not in str(error.value)
