import { type FieldError, invalid, Path } from "../../api/field.ts";
import { node } from "../../api/kinds/core/node.ts";
import { pod } from "../../api/kinds/core/pod.ts";
import type { Pod } from "../../api/schema/types.ts";
import { badRequest, notFound } from "../../api/status.ts";
import { integer, splitTarget } from "../http/query.ts";
import type { NodeDialer } from "../node-dialer.ts";
import type { Registry } from "../registry/deps.ts";
import { committedObject } from "../registry/objects.ts";
import type { Action } from "./action.ts";
import { openNode, passOn, refusalOf } from "./node-stream.ts";
import { podTarget } from "./pod-target.ts";

const passedOn = ["follow", "previous", "sinceSeconds", "sinceTime", "timestamps", "tailLines", "limitBytes", "stream"];

/** What a container wrote (API reference, "Pod", "log"): fetched from its node, passed on as it comes. */
export function readLogs({ registry, nodes }: { readonly registry: Registry; readonly nodes: NodeDialer }): Action {
  return {
    async stream(call, exchange) {
      const { resource, namespace = "", name = "" } = call;
      const { query } = splitTarget(exchange.incoming.url ?? "");
      refuseWrongOptions(name, query);
      const found = committedObject(registry.store, pod, { namespace, name });
      if (!found) throw notFound(resource.name, name);
      const place = placeOfLogs(found, query);
      if (!place) {
        exchange.write(204, exchange.headers(undefined), []);
        return;
      }
      const { node: host, path } = place;
      if (!committedObject(registry.store, node, { name: host })) throw notFound(resource.name, host);
      const answer = await openNode(nodes, host, { method: "GET", path }, exchange.untilGone());
      if (answer.status >= 400) throw await refusalOf(answer);
      await passOn(exchange, { ...answer, headers: { "content-type": "text/plain", ...answer.headers } });
    },
  };
}

/** Where what is asked for lies; undefined for a pod that runs nowhere yet and so has written nothing. */
export function placeOfLogs(pod: Pod, query: URLSearchParams): { node: string; path: string } | undefined {
  const { namespace = "", name } = pod.metadata;
  const asked = query.get("container") ?? undefined;
  if (!pod.spec.nodeName) {
    // But the container must be one of its own.
    if (asked && !hasContainer(pod, asked)) throw badRequest(`container ${asked} is not valid for pod ${name}`);
    return undefined;
  }
  const { node, container } = podTarget(pod, asked);
  const wanted = new URLSearchParams();
  for (const option of passedOn) {
    const value = query.get(option);
    if (value !== null) wanted.set(option, value);
  }
  return { node, path: `/containerLogs/${namespace}/${name}/${container}?${wanted}` };
}

function hasContainer({ spec }: Pod, name: string): boolean {
  const all = [...spec.containers, ...(spec.initContainers ?? []), ...(spec.ephemeralContainers ?? [])];
  return all.some((container) => container.name === name);
}

/** @throws {StatusError} Invalid */
export function refuseWrongOptions(name: string, query: URLSearchParams): void {
  const errors = optionErrors(query);
  if (errors.length > 0) throw invalid({ group: "", kind: "PodLogOptions" }, name, errors);
}

function optionErrors(query: URLSearchParams): FieldError[] {
  const errors: FieldError[] = [];
  const atLeast = (option: string, least: number, text: string): void => {
    const value = integer(query, option);
    if (value !== undefined && value < least) errors.push(new Path(option).invalid(value, text));
  };
  atLeast("tailLines", 0, "must be greater than or equal to 0");
  atLeast("limitBytes", 1, "must be greater than 0");
  atLeast("sinceSeconds", 1, "must be greater than 0");
  if (query.has("sinceSeconds") && query.has("sinceTime"))
    errors.push(new Path("").forbidden("at most one of `sinceTime` or `sinceSeconds` may be specified"));
  if (query.get("stream") && query.get("stream") !== "All")
    errors.push(new Path("stream").forbidden("may not be specified"));
  return errors;
}
