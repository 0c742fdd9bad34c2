"""A certificate that this machine makes for itself: for encryption, and since browsers want it for threads and camera.

Nobody vouches for it, so a browser warns once; the fingerprint that is printed is what it should show.
"""

from __future__ import annotations

import datetime
import ipaddress
import os
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Final

from edgesmith.core.errors import EdgesmithError, RunError
from edgesmith.core.extras import require
from edgesmith.core.files import atomic_file

if TYPE_CHECKING:
    from cryptography.x509 import GeneralName

_DAYS: Final = 365
_SPARE_DAYS: Final = 30


@dataclass(frozen=True, kw_only=True)
class Certificate:
    """Where a certificate and its key lie, in PEM, and the certificate's SHA-256 as browsers write it."""

    certificate: Path
    key: Path
    fingerprint: str


def certificate_for(names: Sequence[str], folder: Path) -> Certificate:
    """The certificate in ``folder`` if it is still good for these names, else a new one.

    Args:
        names: Hosts and addresses that it is for.
        folder: Takes certificate and key; the key can be read by its owner alone.

    Raises:
        MissingExtraError: The package ``cryptography`` is not installed.
        RunError: The folder cannot be written.
    """
    require("cryptography.x509", extra="web")
    made = Certificate(certificate=folder / "certificate.pem", key=folder / "key.pem", fingerprint="")
    if not _is_good(made, names):
        _make(made, names)
    return Certificate(certificate=made.certificate, key=made.key, fingerprint=_fingerprint(made.certificate))


def _is_good(made: Certificate, names: Sequence[str]) -> bool:
    from cryptography import x509

    try:
        found = x509.load_pem_x509_certificate(made.certificate.read_bytes())
        known = found.extensions.get_extension_for_class(x509.SubjectAlternativeName).value
        held = {str(each.value) for each in known}
    except (OSError, ValueError, x509.ExtensionNotFound):
        return False
    late = datetime.datetime.now(datetime.UTC) + datetime.timedelta(days=_SPARE_DAYS)
    return made.key.is_file() and set(names) <= held and found.not_valid_after_utc > late


def _make(made: Certificate, names: Sequence[str]) -> None:
    from cryptography import x509
    from cryptography.hazmat.primitives import hashes, serialization
    from cryptography.hazmat.primitives.asymmetric import ec
    from cryptography.x509.oid import ExtendedKeyUsageOID, NameOID

    key = ec.generate_private_key(ec.SECP256R1())
    subject = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "edgesmith web")])
    now = datetime.datetime.now(datetime.UTC)
    certificate = (
        x509.CertificateBuilder()
        .subject_name(subject)
        .issuer_name(subject)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(now - datetime.timedelta(hours=1))
        .not_valid_after(now + datetime.timedelta(days=_DAYS))
        .add_extension(x509.SubjectAlternativeName([_general(name) for name in names]), critical=False)
        .add_extension(x509.BasicConstraints(ca=False, path_length=None), critical=True)
        .add_extension(x509.ExtendedKeyUsage([ExtendedKeyUsageOID.SERVER_AUTH]), critical=False)
        .sign(key, hashes.SHA256())
    )
    plain = serialization.NoEncryption()
    pem = key.private_bytes(serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, plain)
    with atomic_file(made.key) as temporary:
        descriptor = os.open(temporary, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
        with os.fdopen(descriptor, "wb") as file:
            file.write(pem)
    with atomic_file(made.certificate) as temporary:
        temporary.write_bytes(certificate.public_bytes(serialization.Encoding.PEM))


def _general(name: str) -> GeneralName:
    from cryptography import x509

    try:
        return x509.IPAddress(ipaddress.ip_address(name))
    except ValueError:
        return x509.DNSName(name)


def _fingerprint(path: Path) -> str:
    from cryptography import x509
    from cryptography.hazmat.primitives import hashes

    try:
        digest = x509.load_pem_x509_certificate(path.read_bytes()).fingerprint(hashes.SHA256())
    except (OSError, ValueError, EdgesmithError) as error:
        raise RunError(f"{path} cannot be read: {error}") from None
    return digest.hex(":").upper()
