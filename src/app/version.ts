/** The version of skiff. The build replaces it by the one in package.json and the commit. */
declare const SKIFF_VERSION: string | undefined;
export const skiffVersion: string = typeof SKIFF_VERSION === "string" ? SKIFF_VERSION : "0.1.0-dev";

/** The version of Kubernetes whose API skiff serves. A version has one "+" (Semantic Versioning 2.0.0): clients read it. */
export const kubernetesVersion = {
  major: "1",
  minor: "36",
  gitVersion: `v1.36.2+skiff-${skiffVersion.replaceAll("+", ".")}`,
} as const;
