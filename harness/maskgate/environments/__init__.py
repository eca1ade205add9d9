"""Named environments: nine years of Keras releases, each made by uv from one lock."""

from maskgate.environments.model import Environment, get, names
from maskgate.environments.problems import EnvironmentProblem
from maskgate.environments.store import cache_folder, ensure, remove, sizes

__all__ = [
    "Environment",
    "EnvironmentProblem",
    "cache_folder",
    "ensure",
    "get",
    "names",
    "remove",
    "sizes",
]
