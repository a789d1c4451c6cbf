"""The page at ``/``, the API's page at ``/docs``, and their files, which need no key.

What they show is fetched with one.

Addresses in the page are relative, so that it works under a stage of API Gateway and under the base
path of a custom domain. Files are served below a digest of all of them, and kept for ever by
browsers: see docs/decisions/0021.
"""

import hashlib
import importlib.util
from collections.abc import Iterable, Mapping
from functools import cache
from pathlib import Path
from urllib.parse import quote

from fastapi import APIRouter, Request
from fastapi.responses import Response
from starlette.exceptions import HTTPException

_FOLDER = Path(__file__).parents[2] / "page"
_MEDIA_TYPES = {".html": "text/html", ".css": "text/css", ".js": "text/javascript"}
_SWAGGER = ("fastapi_offline", "static")
_SWAGGER_FILES = ("swagger-ui-bundle.js", "swagger-ui.css")
_FILES_HERE = b"page/_/"
"""How the pages of the folder address the other files."""
_HTML, _HTML_WITHOUT_KEYS = b"<html ", b'<html data-keys="off" '
_DIGEST_CHARACTERS = 12
_FOR_EVER = "public, max-age=31536000, immutable"
_ASKED_AGAIN = "no-cache"
_POLICY = {
    "default-src": "'none'",
    "script-src": "'self'",
    "style-src": "'self'",
    "connect-src": "'self'",
    "img-src": "data:",
    "base-uri": "'none'",
    "form-action": "'none'",
    "frame-ancestors": "'none'",
    "require-trusted-types-for": "'script'",
    "trusted-types": "'none'",
}
"""The page runs and asks nothing but this service, and the bucket where it uploads, is in no frame,
and can write no markup:
https://www.w3.org/TR/trusted-types/"""
_SWAGGER_POLICY = {
    **{name: value for name, value in _POLICY.items() if "trusted-types" not in name},
    "style-src": "'self' 'unsafe-inline'",
}
"""Swagger UI writes markup and styles; what it shows is the document of this service."""
_HEADERS = {
    "Cross-Origin-Opener-Policy": "same-origin",
    "Referrer-Policy": "no-referrer",
    "X-Content-Type-Options": "nosniff",
}


def _secured(policy: Mapping[str, str]) -> dict[str, str]:
    text = "; ".join(f"{name} {value}" for name, value in policy.items())
    return {**_HEADERS, "Content-Security-Policy": text}


def page_routes(upload_origins: Iterable[str] = (), *, has_keys: bool = True) -> APIRouter:
    """Build the routes of the pages and their files.

    Args:
        upload_origins: Origins that the page may post files to.
        has_keys: Whether the service checks keys; the page asks for one only then.
    """
    always = _secured(_POLICY | {"connect-src": " ".join(["'self'", *upload_origins])})
    of_swagger = _secured(_SWAGGER_POLICY)
    files = {path.name: path.read_bytes() for path in sorted(_FOLDER.iterdir())}
    start = _HTML if has_keys else _HTML_WITHOUT_KEYS
    digest = _digest(files)
    router = APIRouter(include_in_schema=False)

    def html(name: str, prefix: str, secured: Mapping[str, str]) -> Response:
        here = f"{prefix}page/{digest}/".encode()
        headers = {**secured, "Cache-Control": _ASKED_AGAIN}
        body = files[name].replace(_FILES_HERE, here).replace(_HTML, start)
        return Response(body, headers=headers, media_type=_MEDIA_TYPES[".html"])

    @router.get("/")
    def page(request: Request) -> Response:
        asked = _asked_path(request)
        below = "" if asked.endswith("/") else f"{quote(asked.rpartition('/')[2], safe='')}/"
        return html("index.html", below, always)

    @router.get("/docs")
    def docs(request: Request) -> Response:
        asked = _asked_path(request)
        slashes = len(asked) - len(asked.rstrip("/"))
        return html("docs.html", "../" * slashes, of_swagger)

    @router.get("/page/{of}/{name}")
    def file(of: str, name: str) -> Response:
        content = _swagger_file(name) if name in _SWAGGER_FILES else files.get(name)
        if content is None or name.endswith(".html"):
            raise HTTPException(404)
        caching = _FOR_EVER if of == digest else _ASKED_AGAIN
        kind = _MEDIA_TYPES[Path(name).suffix]
        return Response(content, headers={**always, "Cache-Control": caching}, media_type=kind)

    return router


def _digest(files: Mapping[str, bytes]) -> str:
    """Digest all files; of Swagger UI's, which are large, the sizes."""
    sizes = [_swagger_path(name).stat().st_size for name in _SWAGGER_FILES]
    content = b"".join(b"%b %d\n%b" % (n.encode(), len(body), body) for n, body in files.items())
    return hashlib.sha256(content + repr(sizes).encode()).hexdigest()[:_DIGEST_CHARACTERS]


@cache
def _swagger_file(name: str) -> bytes:
    return _swagger_path(name).read_bytes()


def _swagger_path(name: str) -> Path:
    """Return a file of Swagger UI, in the package that has it; its code is not imported."""
    package, *folders = _SWAGGER
    spec = importlib.util.find_spec(package)
    assert spec  # noqa: S101 - pinned
    assert spec.submodule_search_locations  # noqa: S101 - it is a folder
    return Path(spec.submodule_search_locations[0], *folders, name)


def _asked_path(request: Request) -> str:
    """Return the path that the browser asked for, with stage or base path."""
    event = request.scope.get("aws.event")
    if event:
        path: str = event.get("requestContext", {}).get("path") or "/"
        return path
    return str(request.scope.get("raw_path", b"/").decode("latin-1"))
