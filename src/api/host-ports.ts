import type { PodSpec } from "./schema/types.ts";

/** A port of the node that a pod wants for itself. */
export interface HostPort {
  readonly ip: string;
  readonly protocol: string;
  readonly port: number;
}

const everywhere = "0.0.0.0";

/** The ports of the node that containers and sidecars of the pod want. */
export function hostPortsOf({ containers, initContainers = [] }: PodSpec): HostPort[] {
  const sidecars = initContainers.filter(({ restartPolicy }) => restartPolicy === "Always");
  return [...containers, ...sidecars].flatMap(({ ports }) =>
    (ports ?? [])
      .filter(({ hostPort }) => hostPort)
      .map(({ hostIP, protocol, hostPort }) => ({
        ip: hostIP || everywhere,
        protocol: protocol ?? "TCP",
        port: hostPort ?? 0,
      })),
  );
}

/** Whether one of the wanted ports is among those that are taken. */
export function portsClash(taken: readonly HostPort[], wanted: readonly HostPort[]): boolean {
  return taken.some((a) =>
    wanted.some(
      (b) =>
        a.port === b.port && a.protocol === b.protocol && (a.ip === b.ip || a.ip === everywhere || b.ip === everywhere),
    ),
  );
}
