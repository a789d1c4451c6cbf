"""AWS Signature Version 4 as AWS describes it, to check what clients sign.

https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_sigv-create-signed-request.html
"""

import hashlib
import hmac
import re
from collections.abc import Mapping
from urllib.parse import parse_qsl, quote, urlsplit

_AUTHORIZATION = re.compile(
    r"AWS4-HMAC-SHA256 Credential=(?P<key>[^/]+)/(?P<scope>[^,]+), ?"
    r"SignedHeaders=(?P<signed>[^,]+), ?Signature=(?P<signature>[0-9a-f]{64})"
)


def scope_of(authorization: str) -> str:
    """Return date, region, service and terminator that a signature is for."""
    return _parts(authorization)["scope"]


def is_right(
    method: str, target: str, headers: Mapping[str, str], body: bytes, *, secret: str
) -> bool:
    """Whether a request, as it came over the wire, carries the signature that AWS would compute."""
    signature = _parts(headers["Authorization"])
    named = {name.lower(): " ".join(value.split()) for name, value in headers.items()}
    url = urlsplit(target)
    query = sorted(
        (quote(name, safe="-_.~"), quote(value, safe="-_.~"))
        for name, value in parse_qsl(url.query, keep_blank_values=True)
    )
    canonical = "\n".join(
        [
            method,
            quote(url.path, safe="/-_.~"),
            "&".join(f"{name}={value}" for name, value in query),
            *(f"{name}:{named[name]}" for name in signature["signed"].split(";")),
            "",
            signature["signed"],
            hashlib.sha256(body).hexdigest(),
        ]
    )
    to_sign = "\n".join(
        [
            "AWS4-HMAC-SHA256",
            named["x-amz-date"],
            signature["scope"],
            hashlib.sha256(canonical.encode()).hexdigest(),
        ]
    )
    key = f"AWS4{secret}".encode()
    for part in signature["scope"].split("/"):
        key = hmac.digest(key, part.encode(), "sha256")
    return hmac.digest(key, to_sign.encode(), "sha256").hex() == signature["signature"]


def _parts(authorization: str) -> re.Match[str]:
    match = _AUTHORIZATION.fullmatch(authorization)
    assert match, authorization
    return match
