import type { Store } from "../../store/contract.ts";
import { heldObject } from "../registry/held.ts";
import type { Attributes, Authorizer, Decision } from "./attributes.ts";
import { type Needed, NeededByNodes } from "./needed-by-nodes.ts";
import { allows, type PolicyRule } from "./rbac.ts";

const prefix = "system:node:";
const nodesGroup = "system:nodes";
const noOpinion: Decision = { allowed: false, reason: "" };
const allowed: Decision = { allowed: true, reason: "" };

/** The name of the node that a user is; undefined for others. */
export function nodeNameOf({ name, groups }: { name: string; groups: readonly string[] }): string | undefined {
  return name.startsWith(prefix) && groups.includes(nodesGroup) ? name.slice(prefix.length) : undefined;
}

/** What nodes may do: their own objects, their pods, and what those pods need (Kubernetes docs, "Using Node Authorization"). */
export class NodeAuthorizer implements Authorizer, Disposable {
  readonly #store: Store;
  readonly #needed: NeededByNodes;
  readonly #rules: () => readonly PolicyRule[];

  /** `rules`: those of the cluster role system:node, which hold where no relation is asked for. */
  constructor(store: Store, rules: () => readonly PolicyRule[]) {
    this.#store = store;
    this.#needed = new NeededByNodes(store);
    this.#rules = rules;
  }

  decide({ user, ...asked }: Attributes): Decision {
    const node = nodeNameOf(user);
    if (node === undefined) return noOpinion;
    const kind = asked.isResource ? `${asked.group}/${asked.resource}` : "";
    switch (kind) {
      case "/secrets":
      case "/configmaps":
      case "/persistentvolumeclaims":
      case "/persistentvolumes":
      case "resource.k8s.io/resourceclaims":
        return this.#related(node, asked);
      case "storage.k8s.io/volumeattachments":
        return asked.verb === "get" ? allowed : noOpinion;
      case "/serviceaccounts":
        return this.#account(node, asked);
      case "coordination.k8s.io/leases":
        return this.#lease(node, asked);
      case "storage.k8s.io/csinodes":
        return this.#own(node, asked, "can only access CSINode with the same name as the requesting node");
      case "resource.k8s.io/resourceslices":
        return allowed;
      case "/nodes":
        return this.#node(node, asked);
      case "/pods":
        return this.#pod(node, asked);
      default:
        return this.#rules().some((rule) => allows(rule, asked)) ? allowed : noOpinion;
    }
  }

  #related(node: string, { verb, namespace, name, resource, subresource }: Omit<Attributes, "user">): Decision {
    const reads = ["get", "list", "watch"].includes(verb);
    const updates = resource === "persistentvolumeclaims" && subresource === "status" && /^(update|patch)$/.test(verb);
    if (!reads && !updates) return { allowed: false, reason: "can only read resources of this type" };
    if (subresource && !updates && !reads) return { allowed: false, reason: "cannot read subresource" };
    if (!name) return { allowed: false, reason: "No Object name found" };
    return this.#needed.has(node, resource as Needed, namespace, name) ? allowed : unrelated(node);
  }

  #account(node: string, { verb, namespace, name, subresource }: Omit<Attributes, "user">): Decision {
    if (subresource === "token" && verb !== "create")
      return { allowed: false, reason: "can only create tokens for individual service accounts" };
    if (!name) return { allowed: false, reason: "can only get individual resources of this type" };
    if (subresource !== "token" && verb !== "get")
      return { allowed: false, reason: "can only get individual resources of this type" };
    return this.#needed.has(node, "serviceaccounts", namespace, name) ? allowed : unrelated(node);
  }

  #lease(node: string, { verb, namespace, name }: Omit<Attributes, "user">): Decision {
    if (!["get", "create", "update", "patch", "delete"].includes(verb))
      return { allowed: false, reason: "can only get, create, update, patch, or delete a node lease" };
    if (namespace !== "kube-node-lease")
      return { allowed: false, reason: 'can only access leases in the "kube-node-lease" system namespace' };
    if (verb !== "create" && name !== node)
      return { allowed: false, reason: "can only access node lease with the same name as the requesting node" };
    return allowed;
  }

  #own(node: string, { verb, name }: Omit<Attributes, "user">, reason: string): Decision {
    return verb === "create" || name === node ? allowed : { allowed: false, reason };
  }

  #node(node: string, { verb, name, subresource }: Omit<Attributes, "user">): Decision {
    if (["create", "update", "patch"].includes(verb) && (subresource === "" || subresource === "status"))
      return allowed;
    if (["get", "list", "watch"].includes(verb) && subresource === "")
      return name === node
        ? allowed
        : {
            allowed: false,
            reason: `node ${JSON.stringify(node)} cannot read ${JSON.stringify(name)}, only its own Node object`,
          };
    return noOpinion;
  }

  #pod(node: string, asked: Omit<Attributes, "user">): Decision {
    const { verb, namespace, name, subresource, fieldSelector } = asked;
    if (verb === "get" && subresource === "") {
      if (!name) return { allowed: false, reason: "No Object name found" };
      const entry = this.#store.get(`/pods/${namespace}/${name}`);
      const { nodeName } = (entry ? heldObject(entry).spec : { nodeName: node }) as { nodeName?: string };
      return nodeName === node ? allowed : unrelated(node);
    }
    if (verb === "list" || verb === "watch")
      return fieldSelector?.split(",").some((term) => /^spec\.nodeName==?/.test(term) && term.endsWith(`=${node}`))
        ? allowed
        : { allowed: false, reason: "can only list/watch pods with spec.nodeName field selector" };
    return this.#rules().some((rule) => allows(rule, asked)) ? allowed : noOpinion;
  }

  [Symbol.dispose](): void {
    this.#needed[Symbol.dispose]();
  }
}

function unrelated(node: string): Decision {
  return { allowed: false, reason: `no relationship found between node '${node}' and this object` };
}
