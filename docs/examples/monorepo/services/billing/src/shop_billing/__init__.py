"""The bills of a shop."""

import shop_money
import shop_orders


def main() -> None:
    """Print what all orders cost together."""
    print(f"to pay: {shop_money.written(sum(shop_orders.ORDERS.values()))}")
