import type { Pod } from "../../api/schema/types.ts";
import { badRequest } from "../../api/status.ts";

/** The node on which a pod runs, and the container that is meant. */
export interface PodTarget {
  readonly node: string;
  readonly container: string;
}

const defaultContainer = "kubectl.kubernetes.io/default-container";

/** Finds where a request about one container of a pod has to go. @throws {StatusError} BadRequest in Kubernetes' words */
export function podTarget({ metadata, spec }: Pod, asked: string | undefined): PodTarget {
  const { name, annotations } = metadata;
  const regular = spec.containers.map((container) => container.name);
  const special = [...(spec.initContainers ?? []), ...(spec.ephemeralContainers ?? [])].map(
    (container) => container.name,
  );
  const chosen = asked || (regular.length === 1 ? regular[0] : annotations?.[defaultContainer]);
  if (!chosen) {
    const initial = spec.initContainers?.length
      ? ` or one of the init containers: [${spec.initContainers.map((c) => c.name).join(" ")}]`
      : "";
    throw badRequest(
      `a container name must be specified for pod ${name}, choose one of: [${regular.join(" ")}]${initial}`,
    );
  }
  if (![...regular, ...special].includes(chosen)) throw badRequest(`container ${chosen} is not valid for pod ${name}`);
  return { node: nodeOf({ metadata, spec }), container: chosen };
}

/** The node of a pod. @throws {StatusError} BadRequest while it has none */
export function nodeOf({ metadata, spec }: Pick<Pod, "metadata" | "spec">): string {
  if (!spec.nodeName) throw badRequest(`pod ${metadata.name} does not have a host assigned`);
  return spec.nodeName;
}
