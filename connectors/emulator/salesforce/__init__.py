"""A Salesforce org that speaks the vendor's REST wire: `Salesforce(...).app`, run by `connectors.emulator.control.serve`."""

from connectors.emulator.salesforce.emulator import Salesforce
from connectors.emulator.salesforce.fields import Field
from connectors.emulator.salesforce.org import User

__all__ = ["Field", "Salesforce", "User"]
