"""Gradient-boosting libraries by name: ``HOUSING_ENGINE``."""

from retrain.training.errors import EngineError
from retrain.training.model.engines.engine import Engine, EngineName, TreeOptions

__all__ = ["Engine", "EngineName", "TreeOptions", "engine_of"]


def engine_of(name: EngineName) -> Engine:
    """Return the engine of a name.

    Raises:
        EngineError: The library cannot be loaded on this machine.
    """
    # Either library takes a second to import, and a job needs one of them.
    if name == "lightgbm":
        try:
            from retrain.training.model.engines.lightgbm import LightGbm  # noqa: PLC0415
        except (ImportError, OSError) as exc:  # OSError: the library lacks another one
            msg = f"LightGBM cannot be loaded: {exc}"
            raise EngineError(msg) from exc
        return LightGbm()
    from retrain.training.model.engines.scikit_learn import ScikitLearn  # noqa: PLC0415

    return ScikitLearn()
