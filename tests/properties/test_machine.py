"""Whatever happens to a company, in whatever order, what must always hold does."""

from __future__ import annotations

from tests.properties import campaign
from tests.properties.machine import CompanyMachine

TestCompany = CompanyMachine.TestCase
TestCompany.settings = campaign(steps=15)
