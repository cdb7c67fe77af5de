import type { Pod } from "../../api/schema/types.ts";
import type { PodContext } from "./context.ts";

/** Which of the node's runtimes the pod's class names; "" for the usual one. @throws {Error} when there is no such class */
export async function runtimeHandlerOf({ runtimeClasses }: PodContext, { spec }: Pod): Promise<string> {
  const name = spec.runtimeClassName;
  if (!name) return "";
  await runtimeClasses.synced;
  const found = runtimeClasses.get({ name });
  if (!found) throw new Error(`runtimeclass.node.k8s.io ${JSON.stringify(name)} not found`);
  return found.handler;
}
