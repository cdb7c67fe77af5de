/** The version of skiff. The build replaces it by the one in package.json and the commit. */
declare const SKIFF_VERSION: string | undefined;
export const skiffVersion: string = typeof SKIFF_VERSION === "string" ? SKIFF_VERSION : "0.1.0-dev";

const [, commit = ""] = skiffVersion.split("+");

/**
 * The version of Kubernetes whose API skiff serves. A version has one "+" (Semantic Versioning 2.0.0): clients read it. What
 * Kubernetes says of Go is said of what skiff runs on.
 */
export const kubernetesVersion = {
  major: "1",
  minor: "36",
  emulationMajor: "1",
  emulationMinor: "36",
  minCompatibilityMajor: "1",
  minCompatibilityMinor: "35",
  gitVersion: `v1.36.2+skiff-${skiffVersion.replaceAll("+", ".")}`,
  gitCommit: commit,
  gitTreeState: "",
  buildDate: "1970-01-01T00:00:00Z",
  goVersion: `node${process.versions.node}`,
  compiler: "v8",
  platform: `linux/${process.arch === "x64" ? "amd64" : process.arch}`,
} as const;
