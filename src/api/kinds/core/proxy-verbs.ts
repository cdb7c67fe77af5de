import type { Verb } from "../../kind.ts";

/** Every HTTP method passes through a proxy subresource; these are the verbs that RBAC checks for them. */
export const proxyVerbs: readonly Verb[] = ["create", "delete", "get", "patch", "update"];
