from __future__ import annotations

import os

import pytest

from edgesmith.core.errors import UsageError
from edgesmith.core.threads import allowed_cores
from edgesmith.devices.options import DeviceChoice, parse_devices

KNOWN = {"onnxruntime": ("spinning",), "torch": ("layout",)}
ELSEWHERE = {"agent": "agent@pi.local:8765/onnxruntime"}


@pytest.mark.parametrize(
    ("text", "choices"),
    [
        ("onnxruntime", [DeviceChoice(name="onnxruntime")]),
        ("onnxruntime:threads=2", [DeviceChoice(name="onnxruntime", threads=2)]),
        ("onnxruntime, torch", [DeviceChoice(name="onnxruntime"), DeviceChoice(name="torch")]),
        (
            "torch:layout=contiguous:threads=3,onnxruntime:spinning=on",
            [
                DeviceChoice(name="torch", threads=3, options={"layout": "contiguous"}),
                DeviceChoice(name="onnxruntime", options={"spinning": "on"}),
            ],
        ),
        ("torch,torch:threads=2", [DeviceChoice(name="torch"), DeviceChoice(name="torch", threads=2)]),
    ],
)
def test_reads_lists_and_options(text: str, choices: list[DeviceChoice]) -> None:
    assert list(parse_devices(text, KNOWN, available_threads=4)) == choices


@pytest.mark.parametrize("text", ["onnxruntime", "torch:threads=2:layout=auto", "onnxruntime:spinning=off"])
def test_a_choice_is_written_as_it_is_read(text: str) -> None:
    (choice,) = parse_devices(text, KNOWN, available_threads=4)
    assert choice.text == text


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("onnxruntim", "unknown device 'onnxruntim'; did you mean 'onnxruntime'? choices: onnxruntime, torch"),
        ("", "unknown device ''; choices: onnxruntime, torch"),
        (
            "onnxruntime:treads=2",
            "unknown option of device 'onnxruntime' 'treads'; did you mean 'threads'? choices: spinning, threads",
        ),
        ("torch:int8", "unknown option of device 'torch' 'int8'; choices: layout, threads"),
        ("torch:layout", "option 'layout' of device 'torch' needs a value"),
        ("torch:threads=1:threads=2", "option 'threads' of device 'torch' is given twice"),
        ("torch,torch:threads=1", "device 'torch' is named twice"),
        ("torch:threads=0", "threads must be a whole number from 1 to 4, got '0'"),
        ("torch:threads=-1", "threads must be a whole number from 1 to 4, got '-1'"),
        ("torch:threads=all", "threads must be a whole number from 1 to 4, got 'all'"),
    ],
)
def test_a_wrong_text_is_answered_in_one_line(text: str, message: str) -> None:
    with pytest.raises(UsageError) as caught:
        parse_devices(text, KNOWN, available_threads=4)
    assert str(caught.value).startswith(message)
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize(
    ("text", "choice", "there"),
    [
        (
            "agent@127.0.0.1:8765/onnxruntime:threads=2",
            DeviceChoice(name="agent", place="127.0.0.1:8765", there="onnxruntime", threads=2),
            "onnxruntime:threads=2",
        ),
        (
            "agent@[::1]:80/litert:unheard=of:threads=64",
            DeviceChoice(name="agent", place="[::1]:80", there="litert", threads=64, options={"unheard": "of"}),
            "litert:threads=64:unheard=of",
        ),
        ("agent@pi/litert", DeviceChoice(name="agent", place="pi", there="litert"), "litert"),
    ],
)
def test_a_device_elsewhere_has_a_place_and_is_not_held_against_this_machine(
    text: str, choice: DeviceChoice, there: str
) -> None:
    found = parse_devices(f"torch,{text}", KNOWN, elsewhere=ELSEWHERE, available_threads=1)
    assert found == (DeviceChoice(name="torch"), choice)
    assert choice.text_there == there
    assert choice.text == f"agent@{choice.place}/{there}"


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("agent", "device 'agent' needs a place and a device there, got ''; such as agent@pi.local:8765/onnxruntime"),
        ("agent:threads=2", "device 'agent' needs a place and a device there"),
        ("agent@", "device 'agent' needs a place and a device there"),
        ("agent@pi", "device 'agent' needs a place and a device there, got 'pi'; such as"),
        ("agent@pi:80/", "device 'agent' needs a place and a device there"),
        ("agent@/onnxruntime", "device 'agent' needs a place and a device there"),
        ("agent@pi/:threads=2", "device 'agent' needs a place and a device there"),
        ("agnt@pi/onnxruntime", "unknown device 'agnt'; did you mean 'agent'? choices: agent, onnxruntime, torch"),
        ("torch@pi/x", "device 'torch' is on this machine and takes no place after @, got 'pi/x'"),
        ("agent@pi/onnxruntime:threads=no", "threads must be a whole number from 1, got 'no'"),
        ("agent@pi/onnxruntime:spinning", "option 'spinning' of device 'agent' needs a value"),
        ("agent@pi/x,agent@pi/x", "device 'agent@pi/x' is named twice"),
    ],
)
def test_a_wrong_place_is_answered_in_one_line(text: str, message: str) -> None:
    with pytest.raises(UsageError) as caught:
        parse_devices(text, KNOWN, elsewhere=ELSEWHERE, available_threads=4)
    assert str(caught.value).startswith(message)


def test_case_l3_more_threads_than_cores_are_refused() -> None:
    with pytest.raises(UsageError, match="threads=9, but 4 cores are available to this process"):
        parse_devices("torch:threads=9", KNOWN, available_threads=4)


@pytest.mark.skipif(not hasattr(os, "sched_setaffinity"), reason="this system does not pin")
def test_case_l3_the_limit_follows_the_affinity() -> None:
    before = os.sched_getaffinity(0)
    os.sched_setaffinity(0, allowed_cores()[:1])
    try:
        with pytest.raises(UsageError, match="threads=2, but 1 core is available"):
            parse_devices("onnxruntime:threads=2", KNOWN)
    finally:
        os.sched_setaffinity(0, before)


REGISTERED = {"browser": "browser:pixel"}


@pytest.mark.parametrize(
    ("text", "choice"),
    [
        ("browser:pixel", DeviceChoice(name="browser", place="pixel")),
        (
            "browser:my-phone.2:threads=4:backend=webgpu",
            DeviceChoice(name="browser", place="my-phone.2", threads=4, options={"backend": "webgpu"}),
        ),
        ("browser:int8:int8", DeviceChoice(name="browser", place="int8", precision="int8")),
    ],
)
def test_a_device_that_registered_is_known_by_its_name(text: str, choice: DeviceChoice) -> None:
    (found,) = parse_devices(text, KNOWN, elsewhere=REGISTERED)
    assert found == choice
    assert parse_devices(found.text, KNOWN, elsewhere=REGISTERED) == (choice,)


@pytest.mark.parametrize(
    ("text", "message"),
    [
        (
            "browser",
            "needs the name that it registered under (letters, digits and ._-), got none; such as browser:pixel",
        ),
        ("browser:", "got ''"),
        ("browser@pixel", "got none"),
        ("browser:threads=2", "got 'threads=2'"),
        ("browser:pixel:threads=0", "threads must be a whole number from 1, got '0'"),
        ("browser:pixel:backend", "option 'backend' of device 'browser' needs a value"),
        ("browser:pixel,browser:pixel:threads=1", "device 'browser:pixel' is named twice"),
        ("browsr:pixel", "unknown device 'browsr'; did you mean 'browser'?"),
    ],
)
def test_a_name_that_cannot_be_registered_is_answered_in_one_line(text: str, message: str) -> None:
    with pytest.raises(UsageError) as caught:
        parse_devices(text, KNOWN, elsewhere=REGISTERED)
    assert message in str(caught.value)
    assert "\n" not in str(caught.value)
