"""Who is held out of a campaign, so that its result can be told."""

from hashlib import md5


def draw(partner_id: int, key: str) -> float:
    """A number from 0 to below 1, always the same for a customer and a playbook; those of
    different playbooks have nothing to do with each other.

    In PostgreSQL, exactly the same, for a text ``key``::

        ('x' || left(md5(key || ':' || partner_id), 8))::bit(32)::bigint / 2 ^ 32

    >>> draw(1, "playbook,1"), draw(2, "playbook,1"), draw(1, "playbook,2")
    (0.0906120641157031, 0.6417977917008102, 0.7900559711270034)
    """
    digest = md5(f"{key}:{partner_id}".encode(), usedforsecurity=False).hexdigest()
    return int(digest[:8], 16) / 2**32


def holdout(partner_id: int, key: str, share: float) -> bool:
    """Whether a customer is held out; with a larger share he still is.

    >>> [holdout(partner, "playbook,1", 0.25) for partner in (1, 2, 3, 4)]
    [True, False, False, False]
    >>> holdout(1, "playbook,1", 1)
    Traceback (most recent call last):
    ...
    ValueError: the hold-out must be more than 0 % and less than 100 % of the customers
    """
    check_share(share)
    return draw(partner_id, key) < share


def check_share(share: float) -> None:
    if not 0 < share < 1:
        raise ValueError("the hold-out must be more than 0 % and less than 100 % of the customers")
