// Codes out of a picture: the browser's own BarcodeDetector where it has one, else zxing in a worker.

const FORMATS = ["qr_code", "code_128"];
const LONGEST = 1280; // pixels along the longer side; more costs time and finds nothing new

class NativeReader {
  constructor() {
    this.detector = new window.BarcodeDetector({ formats: FORMATS });
  }

  async read(source) {
    return (await this.detector.detect(source)).map(({ rawValue }) => rawValue);
  }
}

class WorkerReader {
  constructor() {
    this.worker = new Worker(new URL("./reader-worker.js", import.meta.url), { type: "module" });
    this.canvas = document.createElement("canvas");
    this.pen = this.canvas.getContext("2d", { willReadFrequently: true });
    this.open = new Map();
    this.count = 0;
    this.worker.addEventListener("message", ({ data }) => this.answer(data));
    this.worker.addEventListener("error", () => this.fail());
  }

  answer({ id, texts, fault }) {
    const { resolve, reject } = this.open.get(id);
    this.open.delete(id);
    if (fault) reject(new Error(fault));
    else resolve(texts);
  }

  fail() {
    for (const { reject } of this.open.values()) reject(new Error("the reader did not start"));
    this.open.clear();
  }

  read(source) {
    const width = source.videoWidth ?? source.width;
    const height = source.videoHeight ?? source.height;
    const scale = Math.min(1, LONGEST / Math.max(width, height, 1));
    this.canvas.width = Math.max(1, Math.round(width * scale));
    this.canvas.height = Math.max(1, Math.round(height * scale));
    this.pen.drawImage(source, 0, 0, this.canvas.width, this.canvas.height);
    const { data } = this.pen.getImageData(0, 0, this.canvas.width, this.canvas.height);
    const id = (this.count += 1);
    return new Promise((resolve, reject) => {
      this.open.set(id, { resolve, reject });
      const picture = { id, pixels: data.buffer, width: this.canvas.width, height: this.canvas.height };
      this.worker.postMessage(picture, [data.buffer]);
    });
  }
}

async function hasDetector() {
  if (!("BarcodeDetector" in window)) return false;
  return (await window.BarcodeDetector.getSupportedFormats()).includes("qr_code");
}

let opened = null;

/** The reader of this page: `read(video or bitmap)` gives the texts found, none is an empty list. */
export function openReader() {
  opened ??= hasDetector().then((has) => (has ? new NativeReader() : new WorkerReader()));
  return opened;
}
