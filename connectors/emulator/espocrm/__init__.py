"""An EspoCRM that speaks the vendor's REST wire: `Espo(...).app`, run by `connectors.emulator.control.serve`."""

from connectors.emulator.espocrm.org import User
from connectors.emulator.espocrm.server import Espo

__all__ = ["Espo", "User"]
