// A call with oneself: the sharp canvas goes through WebRTC, encoder and all, and comes back into a video element.
const MOST_BITS = 8_000_000; // a second: browsers begin far lower and would blur what was sharpened
const MOST_WIDTH = 1280; // pixels; a larger picture is sent smaller

// canvas: what is sent; video: where it comes back. Returns { close, facts() }.
export async function callOneself(canvas, video) {
  const stream = canvas.captureStream(30);
  const [here, there] = [new RTCPeerConnection(), new RTCPeerConnection()];
  const close = () => {
    [here, there].forEach((end) => end.close());
    stream.getTracks().forEach((track) => track.stop());
    video.srcObject = null;
  };
  try {
    here.onicecandidate = ({ candidate }) => candidate && there.addIceCandidate(candidate);
    there.onicecandidate = ({ candidate }) => candidate && here.addIceCandidate(candidate);
    there.ontrack = ({ streams }) => {
      video.srcObject = streams[0];
      video.play().catch(() => {}); // it was closed again meanwhile
    };
    const sender = here.addTrack(stream.getVideoTracks()[0], stream);
    await here.setLocalDescription();
    await there.setRemoteDescription(here.localDescription);
    await there.setLocalDescription();
    await here.setRemoteDescription(there.localDescription);
    const sent = sender.getParameters();
    Object.assign(sent.encodings[0], { maxBitrate: MOST_BITS, scaleResolutionDownBy: Math.max(1, canvas.width / MOST_WIDTH) });
    await sender.setParameters({ ...sent, degradationPreference: "maintain-resolution" });
  } catch (error) {
    close();
    throw error;
  }
  return {
    close,
    // What arrives: { width, height, fps, codec }, null before the first picture.
    async facts() {
      const report = [...(await there.getStats()).values()];
      const got = report.find((one) => one.type === "inbound-rtp" && one.kind === "video");
      if (!got?.frameWidth) return null;
      const codec = report.find((one) => one.id === got.codecId)?.mimeType.replace("video/", "");
      return { width: got.frameWidth, height: got.frameHeight, fps: got.framesPerSecond ?? 0, codec };
    },
  };
}
