import { isNodesToSay } from "../api/node-labels.ts";
import { labelValue, qualifiedName } from "../api/validate/names.ts";
import { ArgRefused } from "./component-args.ts";

export interface GivenTaint {
  readonly key: string;
  readonly value: string;
  readonly effect: string;
}

/** Reads "key=value:NoSchedule", as `kubectl taint` and kubelet do. @throws {ArgRefused} with what would be right */
export function taintFrom(text: string): GivenTaint {
  const [, key, value = "", effect] =
    /^([^=:]+)(?:=([^:]*))?:(NoSchedule|PreferNoSchedule|NoExecute)$/.exec(text) ?? [];
  if (!key || !effect) throw new ArgRefused("write it as key=value:NoSchedule (or PreferNoSchedule, NoExecute)");
  const [wrong] = [...qualifiedName(key), ...labelValue(value)];
  if (wrong) throw new ArgRefused(wrong);
  return { key, value, effect };
}

/** Reads "key=value" as a label that a node may give itself. @throws {ArgRefused} with what would be right */
export function labelFrom(text: string): { readonly key: string; readonly value: string } {
  const [key = "", value, ...rest] = text.split("=");
  if (!key || value === undefined || rest.length > 0) throw new ArgRefused("write it as key=value");
  const [wrong] = [...qualifiedName(key), ...labelValue(value)];
  if (wrong) throw new ArgRefused(wrong);
  if (!isNodesToSay(key))
    throw new ArgRefused(
      "a node may not give itself this label of Kubernetes' own: once the node is there, set it with `kubectl label node`",
    );
  return { key, value };
}

/** Several as the labels of an object; a later one of the same key wins. */
export function labelsOf(labels: readonly { readonly key: string; readonly value: string }[]): Record<string, string> {
  return Object.fromEntries(labels.map(({ key, value }) => [key, value]));
}
