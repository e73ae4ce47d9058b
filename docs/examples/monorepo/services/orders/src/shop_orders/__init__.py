"""The orders of a shop."""

import shop_money
import tabulate

ORDERS = {"chair": 24950, "table": 119900}


def main() -> None:
    """Print all orders."""
    rows = [[what, shop_money.written(cents)] for what, cents in ORDERS.items()]
    print(tabulate.tabulate(rows, tablefmt="plain", disable_numparse=True))
