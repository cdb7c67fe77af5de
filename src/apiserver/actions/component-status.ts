import type { AnyObject } from "../../api/object.ts";
import { notFound } from "../../api/status.ts";
import type { Store } from "../../store/contract.ts";
import type { Call } from "../call.ts";
import type { Answer } from "../registry/answer.ts";
import { selectionOf } from "../registry/list.ts";
import type { Action } from "./action.ts";

/** A part of the control plane that runs in this process. */
export type Component = "scheduler" | "controller-manager";

/** Where Kubernetes' own parts would be asked how they are. */
const ports: Readonly<Record<Component, number>> = { scheduler: 10259, "controller-manager": 10257 };

interface Health {
  readonly name: string;
  /** Undefined where all is well. */
  readonly fault: string | undefined;
}

/** How the parts of the control plane are; asked for each time, never stored. */
export function componentStatuses(store: Store, running: ReadonlySet<Component>): Action {
  const healths = async (): Promise<Health[]> => [
    ...(["scheduler", "controller-manager"] as const).map((name) => ({
      name,
      fault: running.has(name) ? undefined : refused(ports[name]),
    })),
    { name: "etcd-0", fault: await faultOf(store) },
  ];
  return {
    async read({ resource, name, options }: Call): Promise<Answer> {
      const objects = (await healths()).map(statusObject);
      if (name === undefined) {
        const { shows } = selectionOf(resource, options);
        const items = objects.filter(shows).map((object) => ({ object }));
        return { sort: "list", resource, items, revision: "" };
      }
      const object = objects.find(({ metadata }) => metadata.name === name);
      if (!object) throw notFound(resource.name, name);
      return { sort: "object", code: 200, resource, object };
    },
  };
}

function refused(port: number): string {
  return `Get "https://127.0.0.1:${port}/healthz": dial tcp 127.0.0.1:${port}: connect: connection refused`;
}

async function faultOf(store: Store): Promise<string | undefined> {
  try {
    await store.readBarrier();
    return undefined;
  } catch (error) {
    return error instanceof Error ? error.message : String(error);
  }
}

function statusObject({ name, fault }: Health): AnyObject {
  const status = fault === undefined ? "True" : "False";
  return {
    kind: "ComponentStatus",
    apiVersion: "v1",
    metadata: { name },
    conditions: [{ type: "Healthy", status, message: fault ?? "ok" }],
  };
}
