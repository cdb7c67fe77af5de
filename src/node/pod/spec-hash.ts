import { createHash } from "node:crypto";
import type { Container } from "../../api/schema/types.ts";

/** What is written on a container, so that a new start of skiff knows it again. */
export const annotation = {
  hash: "io.kubernetes.container.hash",
  terminationMessagePath: "io.kubernetes.container.terminationMessagePath",
  terminationMessagePolicy: "io.kubernetes.container.terminationMessagePolicy",
  /** Seconds that an orphan's containers are given to end. */
  gracePeriod: "io.kubernetes.pod.terminationGracePeriod",
} as const;

/** Changes when the container has to be made anew: of what a running pod may change, that is the image. */
export function specHash({ name, image = "" }: Container): string {
  return createHash("sha256")
    .update(JSON.stringify([name, image]))
    .digest("hex")
    .slice(0, 16);
}
