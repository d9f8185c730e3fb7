"""A small shop."""

TAX = 0.19
rate: float = TAX


def total(items):
    rate_now = TAX
    return sum(items) * (1 + rate_now)


class Cart:
    limit = 10

    async def total(
        self,
        items: list[int],
    ) -> float:
        def inner():
            return total(items)

        return inner()

    @property
    def size(self):
        return self.limit
