"""The forms of one network: as it is trained, as files hold it, and without its last resize."""

from __future__ import annotations

from dataclasses import replace

from edgesmith.arch.edits.detection import with_decoding
from edgesmith.arch.edits.segmentation import without_upsampling
from edgesmith.arch.heads.lr_aspp import LrAspp
from edgesmith.arch.heads.r_aspp import RAspp
from edgesmith.arch.heads.ssdlite import SsdLite
from edgesmith.arch.spec import NetSpec
from edgesmith.core.errors import SpecError, UsageError
from edgesmith.deploy.answers import ALIGNED, HALF
from edgesmith.nn.build import Net, build


def deployed(spec: NetSpec) -> NetSpec:
    """The network as files hold it: a detector answers with corners and scores."""
    return with_decoding(spec) if isinstance(spec.head, SsdLite) else spec


def trainable(spec: NetSpec) -> NetSpec:
    """The network as it is trained: a bundle's detector answers with corners, which cannot be learned from."""
    return replace(spec, head=replace(spec.head, decoded=False)) if isinstance(spec.head, SsdLite) else spec


def as_deployed(net: Net) -> Net:
    """A trained net in the form that files hold, with its weights."""
    return as_spec(net, deployed(net.spec))


def as_trainable(net: Net) -> Net:
    """A file's net in the form that is trained, with its weights."""
    return as_spec(net, trainable(net.spec))


def as_spec(net: Net, spec: NetSpec) -> Net:
    """A net with the same weights that ends otherwise."""
    if spec == net.spec:
        return net
    made = build(spec)
    made.load_state_dict(net.state_dict())
    return made.eval()


def coarse_spec(spec: NetSpec) -> NetSpec:
    """A segmenter without its last resize.

    Raises:
        UsageError: It is no segmenter.
    """
    try:
        return without_upsampling(spec)
    except SpecError as error:
        raise UsageError(f"{error}; leave --without-upsampling out") from None


def resize_left(spec: NetSpec) -> str:
    """How a segmenter's answers must still be enlarged, as `FileRecord.resize_left` has it."""
    head = spec.head
    if not isinstance(head, LrAspp | RAspp) or head.upsample:
        return ""
    return ALIGNED if head.align_corners else HALF
