// The coupon code on the device: the same folding and the same check symbol as coupons/rules/code.py.

const ALPHABET = "0123456789ABCDEFGHJKMNPQRSTVWXYZ";
const LENGTH = 12;
const UNPRINTED = /[\p{Zs}\p{Zl}\p{Zp}\p{Pd}\p{Cc}\p{Cf}]/gu;
const DOTS = /[.·•‧∙⋅・。…−]/g;
const LOOK_ALIKE = { O: "0", I: "1", L: "1" };

function multiply(left, right) {
  let product = 0;
  for (let bit = 0; bit < 5; bit += 1) if ((right >> bit) & 1) product ^= left << bit;
  for (let bit = 8; bit > 4; bit -= 1) if ((product >> bit) & 1) product ^= 0b100101 << (bit - 5);
  return product;
}

function power(exponent) {
  let product = 1;
  for (let step = 0; step < ((exponent % 31) + 31) % 31; step += 1) product = multiply(product, 2);
  return product;
}

const WEIGHTS = Array.from({ length: LENGTH - 1 }, (_, place) => power(place - LENGTH + 1));

/** The symbols in what was typed: full width, case, look-alikes and separators folded. */
export function fold(text) {
  return text
    .normalize("NFKC")
    .replace(UNPRINTED, "")
    .replace(DOTS, "")
    .replace(/[a-z]/gi, (letter) => LOOK_ALIKE[letter.toUpperCase()] ?? letter.toUpperCase());
}

/** The 12 symbols of a typed or scanned text; null when it is no coupon code. */
export function readCode(text) {
  const printed = text.slice(0, 256).normalize("NFKC").replace(UNPRINTED, "").replace(/^\][A-Za-z][0-9A-Za-z]/, "");
  const links = [...printed.matchAll(/\/[rR]\/([^/?#]*)/g)];
  let symbols = fold(links.length ? links[links.length - 1][1] : printed);
  if (symbols.length === LENGTH + 2 && symbols.startsWith("C1")) symbols = symbols.slice(2);
  return isWellFormed(symbols) ? symbols : null;
}

/** Whether the check symbol fits the others. */
export function isWellFormed(symbols) {
  if (symbols.length !== LENGTH || [...symbols].some((symbol) => !ALPHABET.includes(symbol))) return false;
  const sum = WEIGHTS.reduce((total, weight, place) => total ^ multiply(ALPHABET.indexOf(symbols[place]), weight), 0);
  return ALPHABET[sum] === symbols[LENGTH - 1];
}

/** Groups of four, as people read codes out. */
export function group(symbols) {
  return symbols.replace(/(.{4})(?=.)/g, "$1 ");
}
