"""What a customer spends in our field, as told by our place among his suppliers.

The Wallet Allocation Rule of Keiningham, Aksoy, Buoye and Cooil ("Customer Loyalty Isn't Enough.
Grow Your Share of Wallet", Harvard Business Review, October 2011): of a customer with N suppliers,
the one whom he ranks r-th has ``(1 − r/(N + 1)) · 2/N`` of what he spends. The shares of all ranks
add up to 1.
"""

from typing import NamedTuple


class Share(NamedTuple):
    """Shares of one."""

    share: float
    low: float
    high: float


def share_of_rank(rank: float, suppliers: int) -> float:
    """The rule itself; a rank between two places is allowed.

    >>> [round(share_of_rank(rank, 3), 4) for rank in (1, 2, 3)]
    [0.5, 0.3333, 0.1667]
    >>> share_of_rank(1, 1)
    1.0
    """
    return (1 - rank / (suppliers + 1)) * 2 / suppliers


def wallet_share(rank: int, suppliers: int) -> Share:
    """Share of wallet of the supplier on place ``rank`` of ``suppliers``, with a range.

    A rank tells no more than a place: low and high are half a place down and up. Nobody on place
    r has more than 1/r, since those before him have at least as much as he. An only supplier has
    all.

    >>> wallet_share(1, 1)
    Share(share=1.0, low=1.0, high=1.0)
    >>> tuple(round(share, 4) for share in wallet_share(2, 4))
    (0.3, 0.25, 0.35)
    >>> tuple(round(share, 4) for share in wallet_share(1, 2))
    (0.6667, 0.5, 0.8333)
    >>> wallet_share(2, 2).high
    0.5
    >>> wallet_share(0, 3)
    Traceback (most recent call last):
    ...
    ValueError: the first place is 1
    >>> wallet_share(4, 3)
    Traceback (most recent call last):
    ...
    ValueError: there is no place 4 among 3 suppliers
    """
    if rank < 1:
        raise ValueError("the first place is 1")
    if rank > suppliers:
        raise ValueError(f"there is no place {rank} among {suppliers} suppliers")
    if suppliers == 1:
        return Share(1.0, 1.0, 1.0)
    return Share(
        share_of_rank(rank, suppliers),
        share_of_rank(rank + 0.5, suppliers),
        min(share_of_rank(rank - 0.5, suppliers), 1 / rank),
    )
