"""RGB to what video coders take: which matrix and range."""

from av.video.reformatter import ColorRange, Colorspace


def has_no_luma(frame_format):
    """Whether pixels of an av.VideoFormat are RGB, or numbers of colours that are."""
    return frame_format.is_rgb or frame_format.has_palette


def bt709(frame, pixel_format):
    """An RGB frame as YCbCr of BT.709 in the video range, tagged so: what players take for granted in HD."""
    return frame.reformat(format=pixel_format, dst_colorspace=Colorspace.ITU709, dst_color_range=ColorRange.MPEG)
