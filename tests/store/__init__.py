"""The store's tests. The contract's assertions explain themselves like a test module's own."""

import pytest

pytest.register_assert_rewrite(
    "tests.store.contract",
    "tests.store.contract_decisions",
    "tests.store.contract_exemptions",
    "tests.store.contract_notices",
    "tests.store.contract_passes",
    "tests.store.contract_snapshots",
)
