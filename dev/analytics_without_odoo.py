"""pytest plugin: ``crm_extended.analytics`` without the addon's ``__init__``, which needs Odoo."""

import sys
from pathlib import Path
from types import ModuleType

addon = ModuleType("crm_extended")
addon.__path__ = [str(Path(__file__).parents[1] / "crm_extended")]
sys.modules["crm_extended"] = addon
