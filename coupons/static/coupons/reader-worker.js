// Reads codes out of pixels, away from the page, so that typing never waits for a picture.

import { prepareZXingModule, readBarcodes } from "./vendor/zxing/es/reader/index.js";

const OPTIONS = { formats: ["QRCode", "Code128"], tryHarder: true, tryInvert: false, maxNumberOfSymbols: 4 };
const locateFile = (name) => new URL(`./vendor/zxing/reader/${name}`, import.meta.url).href;

prepareZXingModule({ overrides: { locateFile } });

addEventListener("message", async ({ data: { id, pixels, width, height } }) => {
  try {
    const found = await readBarcodes(new ImageData(new Uint8ClampedArray(pixels), width, height), OPTIONS);
    postMessage({ id, texts: found.map(({ text }) => text) });
  } catch (problem) {
    postMessage({ id, fault: String(problem) });
  }
});
