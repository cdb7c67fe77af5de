import { isIP } from "node:net";
import { dnsLabel, dnsSubdomain } from "../validate/names.ts";

/*
 * The formats of texts that mean something in a schema (Kubernetes docs, "Extend the Kubernetes API with
 * CustomResourceDefinitions", "Validation"; swagger's formats as Kubernetes' own validator reads them).
 */

const uuid = (version: string, variant = "[0-9a-f]") =>
  new RegExp(`^[0-9a-f]{8}-?[0-9a-f]{4}-?${version}[0-9a-f]{3}-?${variant}[0-9a-f]{3}-?[0-9a-f]{12}$`, "i");
const hostname =
  /^([a-zA-Z0-9\p{S}\p{L}]((-?[a-zA-Z0-9\p{S}\p{L}]{0,62})?)|([a-zA-Z0-9\p{S}\p{L}](([a-zA-Z0-9\-\p{S}\p{L}]{0,61}[a-zA-Z0-9\p{S}\p{L}])?)(\.))+([a-zA-Z0-9\p{S}\p{L}])(-?[a-zA-Z0-9\p{S}\p{L}]){1,62})$/u;
const colourPart = "(0|[1-9]\\d?|1\\d\\d?|2[0-4]\\d|25[0-5])";
const creditCard =
  /^(?:4\d{12}(?:\d{3})?|5[1-5]\d{14}|(222[1-9]|22[3-9]\d|2[3-6]\d{2}|27[01]\d|2720)\d{12}|6(?:011|5\d\d)\d{12}|3[47]\d{13}|3(?:0[0-5]|[68]\d)\d{11}|(?:2131|1800|35\d{3})\d{11}|6[27]\d{14})$/;

const matches =
  (form: RegExp) =>
  (text: string): boolean =>
    form.test(text);

const formats: Readonly<Record<string, (text: string) => boolean>> = {
  bsonobjectid: matches(/^[0-9a-f]{24}$/i),
  uri: isRequestUri,
  email: matches(/^(?:[^\s@<>]+@[^\s@<>]+|[^@<>]*<[^\s@<>]+@[^\s@<>]+>)$/),
  hostname: (text) =>
    hostname.test(text) && text.length <= 255 && text.split(".").every((part) => Buffer.byteLength(part) <= 63),
  ipv4: (text) => isIP(text) > 0 && text.includes("."),
  ipv6: (text) => isIP(text) === 6,
  cidr: isCidr,
  mac: isMac,
  uuid: matches(uuid("[0-9a-f]")),
  uuid3: matches(uuid("3")),
  uuid4: matches(uuid("4", "[89ab]")),
  uuid5: matches(uuid("5", "[89ab]")),
  isbn: (text) => isIsbn10(text) || isIsbn13(text),
  isbn10: isIsbn10,
  isbn13: isIsbn13,
  creditcard: isCreditCard,
  ssn: matches(/^\d{3}[- ]?\d{2}[- ]?\d{4}$/),
  hexcolor: matches(/^#?([0-9a-fA-F]{3}|[0-9a-fA-F]{6})$/),
  rgbcolor: matches(new RegExp(`^rgb\\(\\s*${colourPart}\\s*,\\s*${colourPart}\\s*,\\s*${colourPart}\\s*\\)$`)),
  byte: matches(/^(?:[A-Za-z0-9+/]{4})*(?:[A-Za-z0-9+/]{2}==|[A-Za-z0-9+/]{3}=|[A-Za-z0-9+/]{4})$/),
  password: () => true,
  date: isDate,
  datetime: isDateTime,
  duration: isDuration,
  "k8s-short-name": (text) => dnsLabel(text).length === 0,
  "k8s-long-name": (text) => dnsSubdomain(text).length === 0,
};

/** Formats of numbers: known, but nothing is checked by them. */
const numberFormats: ReadonlySet<string> = new Set(["int32", "int64", "float", "double"]);

/** Whether texts of a format are checked; a format that is not means nothing. */
export function isCheckedFormat(format: string): boolean {
  return Object.hasOwn(formats, normalized(format));
}

/** Whether the format is one that people may use. */
export function isKnownFormat(format: string): boolean {
  return isCheckedFormat(format) || numberFormats.has(format);
}

export function hasFormat(text: string, format: string): boolean {
  return formats[normalized(format)]?.(text) ?? true;
}

/** Dashes mean nothing in a format's name, except in those of Kubernetes' own. */
function normalized(format: string): string {
  return format.startsWith("k8s-") ? format : format.replaceAll("-", "");
}

/** A URI that begins with a scheme, or a path from the root. */
function isRequestUri(text: string): boolean {
  if (/[\0-\x20\x7f]/.test(text) || /%(?![0-9A-Fa-f]{2})/.test(text)) return false;
  return text.startsWith("/") || /^[A-Za-z][A-Za-z0-9+.-]*:/.test(text);
}

function isCidr(text: string): boolean {
  const [address = "", prefix = "", more] = text.split("/");
  const sort = isIP(address);
  return more === undefined && sort > 0 && /^\d{1,3}$/.test(prefix) && Number(prefix) <= (sort === 4 ? 32 : 128);
}

function isMac(text: string): boolean {
  const isWritten = /^(?:[0-9a-f]{2}([:-])(?:[0-9a-f]{2}\1)*[0-9a-f]{2}|(?:[0-9a-f]{4}\.)+[0-9a-f]{4})$/i.test(text);
  return isWritten && [6, 8, 20].includes(text.replace(/[^0-9a-f]/gi, "").length / 2);
}

function isDate(text: string): boolean {
  const [, year, month, day] = /^(\d{4})-(\d\d)-(\d\d)$/.exec(text) ?? [];
  if (year === undefined) return false;
  const date = new Date(Date.UTC(2000, Number(month) - 1, Number(day)));
  date.setUTCFullYear(Number(year), Number(month) - 1, Number(day));
  return date.getUTCMonth() === Number(month) - 1 && date.getUTCDate() === Number(day);
}

function isDateTime(text: string): boolean {
  const [date = "", time] = text.toLowerCase().split("t");
  const [, hours = "", minutes = "", seconds = ""] =
    /^(\d\d):(\d\d):(\d\d)(?:.\d+)?(?:z|[+-]\d\d:\d\d)$/.exec(time ?? "") ?? [];
  return isDate(date) && hours !== "" && hours <= "23" && minutes <= "59" && seconds <= "59";
}

const units = ["ns", "nano", "us", "µs", "micro", "ms", "milli", "s", "sec", "m", "min", "h", "hr", "hour", "d", "day"];
const unitsInWords = ["nano", "micro", "milli", "sec", "min", "hour", "day", "week"];

/** As Go writes durations, or numbers with units in words: "2 weeks". */
function isDuration(text: string): boolean {
  if (/^[+-]?((\d+\.?\d*|\.\d+)(ns|us|µs|μs|ms|s|m|h))+$/.test(text) || /^[+-]?0$/.test(text)) return true;
  return [...text.matchAll(/(\d+)\s*([A-Za-zµ]+)/g)].some(([, , unit = ""]) => {
    const word = unit.toLowerCase();
    return [...units, "w", "wk"].includes(word) || unitsInWords.some((known) => word.startsWith(known));
  });
}

function digitsOf(text: string): string {
  return text.replace(/[\s-]/g, "");
}

function isIsbn10(text: string): boolean {
  const digits = digitsOf(text);
  if (!/^(?:\d{9}X|\d{10})$/.test(digits)) return false;
  const sum = [...digits].reduce((total, digit, i) => total + (i + 1) * (digit === "X" ? 10 : Number(digit)), 0);
  return sum % 11 === 0;
}

function isIsbn13(text: string): boolean {
  const digits = digitsOf(text);
  if (!/^\d{13}$/.test(digits)) return false;
  return [...digits].reduce((total, digit, i) => total + (i % 2 === 0 ? 1 : 3) * Number(digit), 0) % 10 === 0;
}

function isCreditCard(text: string): boolean {
  const digits = text.replace(/[^0-9]+/g, "");
  if (!creditCard.test(digits)) return false;
  const sum = [...digits].reverse().reduce((total, digit, i) => {
    const worth = Number(digit) * (i % 2 === 1 ? 2 : 1);
    return total + (worth > 9 ? worth - 9 : worth);
  }, 0);
  return sum % 10 === 0;
}
