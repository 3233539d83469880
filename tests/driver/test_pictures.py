"""The numbered pictures keep their number and nearly all of their colour in video's I420."""

import cv2

from tests.driver.pictures import LAST, index_of, picture


def test_every_number_is_read_back_after_i420():
    for index in range(LAST + 1):
        pixels = picture(index, 360, 640)
        seen = cv2.cvtColor(cv2.cvtColor(pixels, cv2.COLOR_RGB2YUV_I420), cv2.COLOR_YUV2RGB_I420)
        assert index_of(pixels) == index_of(seen) == index
        assert cv2.absdiff(pixels, seen).max() <= 5  # a hard edge between colours would cost up to 239


def test_neighbours_and_exchanged_colours_differ_by_more_than_i420_costs():
    one, next_one = (picture(index, 360, 640) for index in (7, 8))
    assert cv2.absdiff(one, next_one).mean() > 3
    assert cv2.absdiff(one, one[:, :, ::-1].copy()).mean() > 20
