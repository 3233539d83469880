"""AMD's contrast adaptive sharpening (FidelityFX CAS, 2019), as ffmpeg's filter `cas` does it, on R, G and B alike."""

from fractions import Fraction

import av


def cas(degraded, strength):
    """Sharpens each pixel by its four neighbours, less where the contrast around it is high already.

    degraded: (H, W, 3) uint8 RGB. strength: 0 to 1; ffmpeg's 0 is its weakest sharpening, not the identity, and close
    to 1 a pixel's own weight nears 0, so that grain explodes. Returns the same shape and type.
    """
    height, width = degraded.shape[:2]
    graph = av.filter.Graph()
    source = graph.add_buffer(width=width, height=height, format=av.VideoFormat("gbrp"), time_base=Fraction(1, 25))
    sharpen = graph.add("cas", f"strength={strength:g}")
    graph.link_nodes(source, sharpen, graph.add("buffersink")).configure()
    graph.push(av.VideoFrame.from_ndarray(degraded, format="gbrp"))  # takes and gives R, G, B in this order
    return graph.pull().to_ndarray()
