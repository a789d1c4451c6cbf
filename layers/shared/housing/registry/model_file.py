"""A version's model file, as it was registered or an error."""

import hashlib

from housing.errors import ArtifactDigestError, VersionChangedError
from housing.registry.port import MODEL_FILE, ModelRegistry, ModelVersion

_TRIES = 2


def download_model(registry: ModelRegistry, version: ModelVersion) -> bytes:
    """Return a version's ``model.onnx``, which has the digest that the version's tag says.

    A file that has not is downloaded again: a connection that ends early ends like a whole one. Of
    a version without the tag, anything is returned.

    Raises:
        ArtifactDigestError: The registry serves another file than the registered one.
        VersionChangedError: The number stands for another model by now.
        RegistryError: As in ``ModelRegistry.download``.
    """
    for _ in range(_TRIES):
        content = registry.download(version.version, MODEL_FILE)
        if version.sha256 in {None, hashlib.sha256(content).hexdigest()}:
            return content
    if registry.version(version.version).identity != version.identity:
        raise VersionChangedError(version.version)
    msg = f"the SHA-256 of version {version.version}'s {MODEL_FILE} is not the registered one"
    raise ArtifactDigestError(msg)
