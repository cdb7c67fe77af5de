import { node } from "../../api/kinds/core/node.ts";
import { pod } from "../../api/kinds/core/pod.ts";
import type { AnyObject, KubeObject } from "../../api/object.ts";
import { parseLabelSelector } from "../../api/selector.ts";
import { notFound, StatusError } from "../../api/status.ts";
import { timeText } from "../../api/time.ts";
import type { Store } from "../../store/contract.ts";
import type { LocalApi, LocalQuestion } from "../aggregate/extensions.ts";
import { committedObjects } from "../registry/objects.ts";
import type { Figures, NodeFigures, Usage } from "./node-figures.ts";

const apiVersion = "metrics.k8s.io/v1beta1";
const verbs = ["get", "list"];

/** metrics.k8s.io: what nodes and pods use at the moment, as their nodes tell it (Kubernetes docs, "Resource metrics pipeline"). */
export function metricsApi(store: Store, figures: Figures): LocalApi {
  return {
    group: "metrics.k8s.io",
    version: "v1beta1",
    resources: [
      { name: "nodes", singularName: "", namespaced: false, kind: "NodeMetrics", verbs },
      { name: "pods", singularName: "", namespaced: true, kind: "PodMetrics", verbs },
    ],
    async answer(question) {
      const { resource, name, verb } = question;
      if (!verbs.includes(verb))
        throw new StatusError("MethodNotAllowed", "the server does not allow this method on the requested resource");
      const items = resource === "nodes" ? await nodeMetrics(question) : await podMetrics(question);
      const kind = resource === "nodes" ? "NodeMetrics" : "PodMetrics";
      if (verb === "list") return { kind: `${kind}List`, apiVersion, metadata: {}, items } as unknown as AnyObject;
      const [found] = items;
      const id = question.namespace ? `${question.namespace}/${name}` : (name ?? "");
      if (!found) throw notFound({ group: "metrics.k8s.io", plural: resource }, id);
      return { kind, apiVersion, ...found } as unknown as AnyObject;
    },
  };

  async function nodeMetrics({ name, labelSelector }: LocalQuestion): Promise<object[]> {
    const matcher = parseLabelSelector(labelSelector);
    const nodes = committedObjects(store, node).filter(
      ({ metadata }) => (name === undefined || metadata.name === name) && matcher.matches(metadata.labels),
    );
    const answers = await Promise.all(
      nodes.map(async (asked) => ({ asked, known: await figures.of(asked.metadata.name) })),
    );
    return answers.flatMap(({ asked, known }) =>
      known?.node ? [{ ...headOf(asked, known), usage: usageTexts(known.node) }] : [],
    );
  }

  async function podMetrics({ namespace, name, labelSelector }: LocalQuestion): Promise<object[]> {
    const matcher = parseLabelSelector(labelSelector);
    const pods = committedObjects(store, pod, namespace).filter(
      ({ metadata }) => (name === undefined || metadata.name === name) && matcher.matches(metadata.labels),
    );
    const answers = await Promise.all(
      pods.map(async (asked) => ({
        asked,
        known: asked.spec.nodeName ? await figures.of(asked.spec.nodeName) : undefined,
      })),
    );
    return answers.flatMap(({ asked, known }) => {
      const containers = known?.pods.get(`${asked.metadata.namespace}/${asked.metadata.name}`) ?? [];
      // A pod of which a part is unknown is left out: its sum would be wrong.
      if (!known || containers.length === 0 || containers.some(({ usage }) => !usage)) return [];
      const told = containers.map(({ name: container, usage }) => ({
        name: container,
        usage: usage && usageTexts(usage),
      }));
      return [{ ...headOf(asked, known), containers: told }];
    });
  }
}

function headOf({ metadata: { name, namespace, labels } }: KubeObject, { atMs, windowMs }: NodeFigures): object {
  const timestamp = timeText(atMs);
  const metadata = { name, ...(namespace && { namespace }), creationTimestamp: timestamp, ...(labels && { labels }) };
  return { metadata, timestamp, window: `${windowMs / 1000}s` };
}

function usageTexts({ cpuNanoCores, memoryBytes }: Usage): { readonly cpu: string; readonly memory: string } {
  return { cpu: `${cpuNanoCores}n`, memory: `${Math.round(memoryBytes / 1024)}Ki` };
}
