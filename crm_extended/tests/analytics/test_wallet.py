import pytest

from ...analytics.wallet import share_of_rank, wallet_share

PLACES = [(rank, suppliers) for suppliers in range(1, 13) for rank in range(1, suppliers + 1)]


@pytest.mark.parametrize(
    "rank, suppliers, share",
    [(1, 2, 2 / 3), (2, 2, 1 / 3), (1, 3, 1 / 2), (2, 3, 1 / 3), (3, 3, 1 / 6), (2, 4, 0.3)],
)
def test_shares_are_those_of_the_published_rule(rank, suppliers, share):
    assert wallet_share(rank, suppliers).share == pytest.approx(share)


def test_shares_of_all_suppliers_add_up_to_the_whole_wallet():
    for suppliers in range(1, 20):
        shares = [wallet_share(rank, suppliers).share for rank in range(1, suppliers + 1)]
        assert sum(shares) == pytest.approx(1)


@pytest.mark.parametrize("rank, suppliers", PLACES)
def test_share_lies_in_its_range_and_no_place_has_more_than_its_part(rank, suppliers):
    share, low, high = wallet_share(rank, suppliers)
    assert 0 < low <= share <= high <= 1 / rank


def test_a_better_place_has_the_larger_share():
    shares = [wallet_share(rank, 6).share for rank in range(1, 7)]
    assert shares == sorted(shares, reverse=True)


def test_an_only_supplier_has_exactly_all():
    assert wallet_share(1, 1) == (1.0, 1.0, 1.0)


def test_range_is_half_a_place_either_way():
    share = wallet_share(3, 5)
    assert share.low == share_of_rank(3.5, 5)
    assert share.high == share_of_rank(2.5, 5)


@pytest.mark.parametrize("rank, suppliers", [(0, 3), (-1, 3), (4, 3), (1, 0)])
def test_a_place_that_there_is_not_is_an_error(rank, suppliers):
    with pytest.raises(ValueError):
        wallet_share(rank, suppliers)
