"""Finds connectors and emulators by their folders: a vendor exists when `connectors/<vendor>/manifest.yaml` does."""

from __future__ import annotations

from collections.abc import Mapping
from functools import cache
from importlib import import_module
from pathlib import Path
from types import MappingProxyType, ModuleType
from typing import Any

from pydantic import ValidationError
from ruamel.yaml import YAML
from ruamel.yaml.error import YAMLError

from connectors.base import Connector, Manifest

_HOME = Path(__file__).parent


class UnknownVendor(LookupError):
    """There is no connector of that name; the text lists those that there are."""


class BadManifest(ValueError):
    """A manifest that cannot be used; the text names the file and every wrong key."""


def read_manifest(path: Path) -> Manifest:
    """Read one `manifest.yaml`; raises BadManifest with the file and what is wrong in it."""
    try:
        found: Any = YAML(typ="safe", pure=True).load(path.read_text(encoding="utf-8"))
        manifest = Manifest.model_validate(found)
    except ValidationError as error:
        wrong = "; ".join(f"{'.'.join(map(str, one['loc'])) or 'the file'}: {one['msg']}" for one in error.errors(include_url=False))
        raise BadManifest(f"{path.parent.name}/{path.name}: {wrong}") from error
    except (YAMLError, UnicodeDecodeError) as error:
        raise BadManifest(f"{path.parent.name}/{path.name}: {' '.join(str(error).split())}") from error
    if manifest.vendor != path.parent.name:
        raise BadManifest(f"{path.parent.name}/{path.name}: vendor is {manifest.vendor!r}, needs the folder's name")
    return manifest


@cache
def manifests() -> Mapping[str, Manifest]:
    """Give every connector's manifest by vendor, sorted; nothing of a connector is imported for it."""
    return MappingProxyType({path.parent.name: read_manifest(path) for path in sorted(_HOME.glob("*/manifest.yaml"))})


def load(vendor: str) -> Connector:
    """Give a vendor's connector (its folder's package); raises UnknownVendor for a name without a folder."""
    if vendor not in manifests():
        raise UnknownVendor(f"no connector {vendor!r}; there are {', '.join(manifests()) or 'none'}")
    module: Any = import_module(f"connectors.{vendor}")
    connector: Connector = module
    return connector


def emulators() -> tuple[str, ...]:
    """Name the vendors that have an emulator here, sorted; empty where emulators are not installed."""
    return tuple(sorted(path.parent.name for path in (_HOME / "emulator").glob("*/__init__.py")))


def emulator(vendor: str) -> ModuleType:
    """Give a vendor's emulator (the package `connectors.emulator.<vendor>`); raises UnknownVendor where there is none."""
    if vendor not in emulators():
        raise UnknownVendor(f"no emulator of {vendor!r}; there are {', '.join(emulators()) or 'none'}")
    return import_module(f"connectors.emulator.{vendor}")
