"""What coders do to a picture: JPEG, and H.264, VP8 and VP9 as a video call runs them, through PyAV."""

from fractions import Fraction

import av
import cv2
import numpy as np

_RATE = 30  # frames a second, of a call

# BT.601 in limited range, as calls send it: luma 16 to 235, chroma 16 to 240 round 128
_TO_YUV = (
    np.array(
        [
            [65.481, 128.553, 24.966, 16 * 255],
            [-37.797, -74.203, 112.0, 128 * 255],
            [112.0, -93.786, -18.214, 128 * 255],
        ]
    )
    / 255
)
_FROM_YUV = np.linalg.inv(_TO_YUV[:, :3])
_FROM_YUV = np.column_stack([_FROM_YUV, -_FROM_YUV @ _TO_YUV[:, 3]])

# coder: (encoder, decoder, its options). One thread and speeds that do not follow the clock, so that bytes repeat:
# VP8 with a cpu-used of 0 or more slows down and speeds up with the machine, below 0 it keeps to one speed.
_REALTIME = {"deadline": "realtime", "lag-in-frames": "0"}
VIDEO_CODERS = {
    "h264-ultrafast": ("libx264", "h264", {"preset": "ultrafast", "tune": "zerolatency"}),
    "h264-veryfast": ("libx264", "h264", {"preset": "veryfast", "tune": "zerolatency"}),
    "vp8": ("libvpx", "vp8", _REALTIME | {"cpu-used": "-6"}),
    "vp9": ("libvpx-vp9", "vp9", _REALTIME | {"cpu-used": "7"}),
}


def jpeg(pixels, quality):
    """Into JPEG and back, 4:2:0. pixels: (H, W, 3) uint8 RGB; quality: 1 to 100. Returns the same shape and type."""
    _, data = cv2.imencode(".jpg", cv2.cvtColor(pixels, cv2.COLOR_RGB2BGR), [cv2.IMWRITE_JPEG_QUALITY, quality])
    return cv2.cvtColor(cv2.imdecode(data, cv2.IMREAD_COLOR), cv2.COLOR_BGR2RGB)


def video(frames, coder, bits_per_pixel):
    """Into a short stream at constant bit rate and back: the last frame as the receiver of a call sees it.

    frames: two or more (H, W, 3) uint8 RGB, of any size; the first becomes the key frame. coder: of VIDEO_CODERS.
    bits_per_pixel: mean over a stream at 30 frames a second; 1 Mbit/s at 720p is 0.036. Returns (H, W, 3) uint8 RGB.
    """
    encoder_name, decoder_name, options = VIDEO_CODERS[coder]
    height, width = frames[0].shape[:2]
    encoder = av.CodecContext.create(encoder_name, "w")
    encoder.height, encoder.width = height + height % 2, width + width % 2
    encoder.pix_fmt, encoder.time_base, encoder.framerate = "yuv420p", Fraction(1, _RATE), _RATE
    encoder.thread_count = 1
    encoder.bit_rate = max(1000, round(bits_per_pixel * height * width * _RATE))
    rate = str(encoder.bit_rate)
    encoder.options = options | {"minrate": rate, "maxrate": rate, "bufsize": rate}  # a buffer of one second
    decoder = av.CodecContext.create(decoder_name, "r")
    decoder.thread_count = 1
    packets = [packet for time, frame in enumerate(frames) for packet in encoder.encode(_to_frame(frame, time))]
    packets += encoder.encode(None)
    decoded = [frame for packet in (*packets, None) for frame in decoder.decode(packet)]
    return _from_frame(decoded[len(frames) - 1])[:height, :width]


def _to_frame(pixels, time):
    """(H, W, 3) uint8 RGB -> yuv420p: odd sides repeat their last line, chroma is the mean of two by two pixels."""
    height, width = pixels.shape[:2]
    even = cv2.copyMakeBorder(pixels, 0, height % 2, 0, width % 2, cv2.BORDER_REPLICATE)
    luma, *chroma = cv2.split(cv2.transform(even.astype(np.float32), _TO_YUV))
    half = (even.shape[1] // 2, even.shape[0] // 2)
    chroma = [cv2.resize(plane, half, interpolation=cv2.INTER_AREA) for plane in chroma]
    planes = np.concatenate([plane.ravel() for plane in (luma, *chroma)])
    rounded = np.rint(planes, out=planes).astype(np.uint8)
    frame = av.VideoFrame.from_ndarray(rounded.reshape(-1, even.shape[1]), format="yuv420p")
    frame.pts = time
    return frame


def _from_frame(frame):
    """yuv420p -> (H, W, 3) uint8 RGB, chroma interpolated."""
    planes, height, width = frame.to_ndarray().ravel(), frame.height, frame.width
    luma = planes[: height * width].reshape(height, width)
    chroma = planes[height * width :].reshape(2, height // 2, width // 2)
    chroma = [cv2.resize(plane, (width, height), interpolation=cv2.INTER_LINEAR) for plane in chroma.astype(np.float32)]
    image = cv2.transform(cv2.merge([luma.astype(np.float32), *chroma]), _FROM_YUV)
    return np.clip(np.rint(image), 0, 255).astype(np.uint8)
