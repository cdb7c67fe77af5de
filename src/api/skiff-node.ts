import type { Node } from "./schema/types.ts";

/** Whether the node's agent is skiff's: what only such an agent does is not expected of others. */
export function isSkiffs({ status }: Node): boolean {
  return status?.nodeInfo?.kubeletVersion.includes("+skiff") ?? false;
}
