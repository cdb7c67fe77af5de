import { unitsOf } from "../../api/quantity.ts";
import type { Pod } from "../../api/schema/types.ts";
import { containersOf } from "../pod/containers.ts";

/**
 * The size of the pages of an emptyDir: the one that its medium names ("HugePages-2Mi"), or the one that the pod asks for
 * (Kubernetes docs, "Manage HugePages"). @throws an Error when the pod asks for none, for several, or for another
 */
export function hugePageBytes(pod: Pod, medium: string): number {
  const asked = new Set(
    [...containersOf(pod).map(({ spec }) => spec.resources), pod.spec.resources].flatMap((resources) =>
      Object.keys({ ...resources?.requests, ...resources?.limits }).filter((name) => name.startsWith("hugepages-")),
    ),
  );
  const size = (resource: string): number => unitsOf(resource.slice("hugepages-".length));
  if (medium === "HugePages") {
    const [only, ...others] = asked;
    if (only === undefined) throw new Error("no huge pages are requested by the pod, which its volume would lie in");
    if (others.length > 0)
      throw new Error("medium HugePages can not be used if more than one size of huge pages is requested");
    return size(only);
  }
  const named = medium.replace("HugePages-", "hugepages-");
  if (!asked.has(named)) throw new Error(`medium ${medium}: the pod requests no ${named}`);
  return size(named);
}
