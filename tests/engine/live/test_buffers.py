"""Laws of the memory for frames: never in use twice, used again once let go, and of the asked shape."""

import numpy as np

from engine.live.buffers import Buffers


def address(pixels):
    return pixels.ctypes.data


def test_what_is_let_go_is_used_again():
    buffers = Buffers()
    first = buffers.take((4, 6, 3))
    place = address(first)
    del first
    again = buffers.take((4, 6, 3))
    assert address(again) == place and again.shape == (4, 6, 3) and again.dtype == np.uint8


def test_what_anybody_holds_or_sees_a_part_of_is_not():
    buffers = Buffers()
    held = [buffers.take((4, 6)) for _ in range(20)]  # more than are kept
    assert len({address(one) for one in held}) == 20
    part = held[0][1:3, ::2].T  # a view of a view
    place = address(held[0])
    held.clear()
    others = [buffers.take((4, 6)) for _ in range(20)]
    assert place not in {address(one) for one in others}
    del part
    assert place in {address(one) for one in [buffers.take((4, 6))]}


def test_another_shape_starts_anew():
    buffers = Buffers()
    small = buffers.take((2, 2))
    small[...] = 7
    assert buffers.take((3, 3)).shape == (3, 3) and buffers.take((2, 2)).shape == (2, 2)
    assert (small == 7).all()
