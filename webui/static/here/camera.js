// The camera: opened by a click, it hands out its newest picture whenever the page is free for one.
import { Problem } from "./problem.js";

const WORDS = {
  NotAllowedError: "The camera was not allowed. Allow it for this page (the camera sign in the address bar), then press Start.",
  NotFoundError: "No camera was found. Plug one in, then press Start.",
  NotReadableError: "The camera is busy: another program uses it. Close that program, then press Start.",
  SecurityError: "This browser does not let the page use a camera.",
  AbortError: "The camera could not be opened. Unplug it and plug it in again, then press Start.",
};

export class Camera {
  #stream = null;
  #video = null;
  frames = 0; // that the camera gave so far
  dropped = 0; // of them, that nobody took

  // size: { width, height } wished for; onFrame() when a new picture is there; onLost(problem) when it is taken away.
  async open(size, onFrame, onLost) {
    if (!window.isSecureContext || !navigator.mediaDevices?.getUserMedia) {
      throw new Problem("Browsers open a camera on https:// or http://localhost only. Open this page by such an address.");
    }
    const video = { width: { ideal: size.width }, height: { ideal: size.height }, frameRate: { ideal: 30 }, facingMode: "user" };
    try {
      this.#stream = await navigator.mediaDevices.getUserMedia({ audio: false, video });
    } catch (error) {
      throw new Problem(WORDS[error.name] ?? `The camera could not be opened (${error.message || error.name}).`);
    }
    const mine = this.#stream;
    mine.getVideoTracks()[0].addEventListener("ended", () => this.#stream === mine && onLost(new Problem("The camera was unplugged or taken away.")));
    this.#video = Object.assign(document.createElement("video"), { muted: true, playsInline: true, srcObject: mine });
    [this.frames, this.dropped, this.taken] = [0, 0, 0];
    const look = (_now, facts) => {
      if (this.#stream !== mine) return;
      this.frames = facts?.presentedFrames ?? this.frames + 1;
      onFrame();
      if (this.#video.requestVideoFrameCallback) this.#video.requestVideoFrameCallback(look);
      else requestAnimationFrame(look);
    };
    await this.#video.play();
    look();
  }

  // The newest picture as an ImageBitmap, null when it was taken already.
  async take() {
    const mine = this.#video;
    if (!mine?.videoWidth || this.frames === this.taken) return null;
    if (this.taken > 0) this.dropped += this.frames - this.taken - 1;
    this.taken = this.frames;
    return createImageBitmap(mine);
  }

  get isOpen() {
    return this.#stream !== null;
  }

  close() {
    this.#stream?.getTracks().forEach((track) => track.stop());
    if (this.#video) this.#video.srcObject = null;
    this.#stream = this.#video = null;
  }
}
