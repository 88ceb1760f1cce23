"""What every store must do, whatever it is made of: the Store protocol's promises as tests.

A test class of a store inherits `StoreContract` and brings three fixtures: `store`, an empty store of one workspace;
`again`, the same one opened a second time; `neighbour`, another workspace's store in the same database.
"""

from __future__ import annotations

from tests.store.contract_decisions import DecisionContract, TruthContract
from tests.store.contract_exemptions import ExemptionContract
from tests.store.contract_known import KnownContract, MeasureContract, PaceContract, PutBackContract, RebuiltContract
from tests.store.contract_letters import (
    HitchContract,
    HoldContract,
    LetterContract,
    LetterReadContract,
    MemberContract,
)
from tests.store.contract_notices import NoticeContract, SaidContract, UniqueContract
from tests.store.contract_passes import FreezeContract, PassContract, WorkspaceContract
from tests.store.contract_snapshots import (
    CompareContract,
    DossierContract,
    FindContract,
    FirstAssignedContract,
    PeopleContract,
    RefreshContract,
    ReplaceContract,
    TwoPullsContract,
)
from tests.store.contract_teams import TeamContract


class StoreContract(
    ReplaceContract,
    RefreshContract,
    FirstAssignedContract,
    TwoPullsContract,
    PeopleContract,
    CompareContract,
    FindContract,
    DossierContract,
    DecisionContract,
    TruthContract,
    NoticeContract,
    UniqueContract,
    SaidContract,
    PassContract,
    FreezeContract,
    WorkspaceContract,
    ExemptionContract,
    KnownContract,
    RebuiltContract,
    PutBackContract,
    PaceContract,
    MeasureContract,
    TeamContract,
    LetterContract,
    LetterReadContract,
    HoldContract,
    HitchContract,
    MemberContract,
):
    """All of it."""
