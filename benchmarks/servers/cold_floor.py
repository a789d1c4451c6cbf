"""The imports that every such function needs, and nothing else: the base of a cold start."""

from typing import Any

import fastapi
import mangum
import onnxruntime


def lambda_handler(_event: Any, _context: Any) -> dict[str, Any]:
    """Answer."""
    versions = [module.__name__ for module in (fastapi, mangum, onnxruntime)]
    return {"statusCode": 200, "body": ",".join(versions)}
