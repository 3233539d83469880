"""Live video: a camera in, sharpened frames out; capture, sharpening and sending overlap, and the newest frame wins.

from engine.live.session import LiveSession, LiveSettings
session = LiveSession()
session.start(LiveSettings(source="pattern", output="null"))
session.set_strength(1.4)             # the next frame
before, after = session.preview()     # the newest pair of frames
print(session.stats())
session.stop()
"""
