"""Where the channels of a batch are."""


def channel_shape(dimensions: int) -> tuple[int, ...]:
    """The shape in which a number a channel meets a batch of so many dimensions.

    The channels of a sequence (batch, length, features) are its features.
    """
    return (1, 1, -1) if dimensions == 3 else (1, -1, *[1] * (dimensions - 2))
