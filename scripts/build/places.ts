/** Where the parts of an executable of an architecture lie. Those of another one do not touch this machine's, which may be in use. */
export function placesOf(arch: string): { work: string; output: string; bundle: string; explain: string } {
  const work = `dist/build-${arch}`;
  return arch === process.arch
    ? { work, output: "dist/skiff", bundle: "dist/bundle", explain: "dist/explain.json" }
    : { work, output: `dist/skiff-${arch}`, bundle: `${work}/bundle`, explain: `${work}/explain.json` };
}
