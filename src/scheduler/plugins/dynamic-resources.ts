import type { Plugin } from "../plugin.ts";

const rejection = { reasons: ["cannot allocate all claims"], curable: false };

/** Pods that ask for devices by claims: nothing here gives devices away, and without them they must not run. */
export function dynamicResources(): Plugin {
  return {
    name: "DynamicResources",
    filter: ({ spec }) => (spec.resourceClaims?.length ? { sort: "nodes", rejects: () => rejection } : undefined),
    mayHelp: () => false,
  };
}
