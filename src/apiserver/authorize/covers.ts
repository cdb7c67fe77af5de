import { allows, type PolicyRule } from "./rbac.ts";

/** Whether everything that a rule allows is allowed by some others, each of its combinations by one of them. */
export function covers(owned: readonly PolicyRule[], wanted: PolicyRule): boolean {
  const none = { group: "", resource: "", subresource: "", namespace: "", name: "", path: "" };
  for (const verb of wanted.verbs) {
    for (const path of wanted.nonResourceURLs ?? [])
      if (!owned.some((rule) => allows(rule, { ...none, verb, isResource: false, path }))) return false;
    for (const group of wanted.apiGroups ?? [])
      for (const whole of wanted.resources ?? [])
        for (const name of wanted.resourceNames?.length ? wanted.resourceNames : [""])
          if (!owned.some((rule) => allows(rule, { ...none, verb, isResource: true, group, name, ...split(whole) })))
            return false;
  }
  return true;
}

function split(whole: string): { resource: string; subresource: string } {
  const [resource = "", subresource = ""] = whole.split("/", 2);
  return { resource, subresource };
}
