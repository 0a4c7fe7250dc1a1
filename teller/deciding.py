"""The decision as the service, and later anybody with the journal, takes it."""

from collections.abc import Callable, Sequence

from contract.facts import Entry
from contract.identity_facts import Decided
from kyc.decision import decide
from teller.policy import Policy, rules_of


def decider(policy: Policy) -> Callable[[Sequence[Entry]], Decided] | None:
    """Return what decides a case from its journal; None when the policy leaves all to people."""
    rules = rules_of(policy)
    if rules is None:
        return None
    return lambda entries: decide((entry.fact for entry in entries), rules)
