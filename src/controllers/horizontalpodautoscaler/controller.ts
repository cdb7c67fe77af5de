import { isDeepStrictEqual } from "node:util";
import { groupVersionFrom, type Kind } from "../../api/kind.ts";
import { customResourceDefinition } from "../../api/kinds/apiextensions/custom-resource-definition.ts";
import { horizontalPodAutoscaler } from "../../api/kinds/autoscaling/horizontal-pod-autoscaler.ts";
import { pod } from "../../api/kinds/core/pod.ts";
import { type AnyObject, isLeaving, keyText, type ObjectKey } from "../../api/object.ts";
import { numberOf } from "../../api/quantity.ts";
import type { HorizontalPodAutoscaler, Pod, Scale } from "../../api/schema/types.ts";
import { type LabelMatcher, parseLabelSelector } from "../../api/selector.ts";
import { StatusError } from "../../api/status.ts";
import { type Context, type Controller, defineController, settled } from "../../client/controller.ts";
import type { ControllerSettings } from "../options.ts";
import { kindNamed } from "../resources.ts";
import { asksMetrics, decide, type Metrics, noSelector, notScaled, type Observed, type Target } from "./decide.ts";
import { type JudgeOptions, judge } from "./judge.ts";
import { type Memory, nothingYet } from "./limits.ts";
import { metricsSource } from "./metrics.ts";

interface FoundScale {
  readonly resource: Kind;
  readonly scale: Scale;
}

/** Gives workloads as many replicas as their figures ask for, looking at each from time to time. */
export function horizontalPodAutoscalerController(settings: ControllerSettings): Controller {
  const { autoscalerSyncMs: syncMs } = settings;
  const memories = new Map<string, Memory>();
  /** Which pods each autoscaler was last found to mean, in the order in which they were found. */
  const selectors = new Map<string, LabelMatcher>();

  return defineController<HorizontalPodAutoscaler>({
    name: "horizontalpodautoscaler",
    component: "horizontal-pod-autoscaler",
    reconciles: horizontalPodAutoscaler,
    reads: [pod, customResourceDefinition],
    // Also the first look waits: there is nothing to see of pods that are just being made.
    gatherMs: () => syncMs,

    async reconcile(key, context) {
      const { cache, events, client } = context;
      const autoscaler = cache.get(horizontalPodAutoscaler, key);
      const id = keyText(key);
      if (!autoscaler || isLeaving(autoscaler)) {
        memories.delete(id);
        selectors.delete(id);
        return settled;
      }
      const found = await findScale(autoscaler, context);
      const target: Target =
        found instanceof Error
          ? { sort: "absent", message: found.message }
          : { sort: "there", replicas: found.scale.spec?.replicas ?? 0 };
      const asks = !(found instanceof Error) && asksMetrics(autoscaler, found.scale.spec?.replicas ?? 0);
      const observed: Observed = {
        autoscaler,
        target,
        metrics: asks ? await metricsOf(autoscaler, found, context) : undefined,
        memory: memories.get(id) ?? nothingYet,
        now: context.now,
        downscaleStabilizationMs: settings.autoscalerDownscaleStabilizationMs,
      };
      const decision = decide(observed);
      let { status, news } = decision;
      memories.set(id, decision.memory);
      if (decision.scaleTo !== undefined && !(found instanceof Error)) {
        const why = await setScale(key, found, decision.scaleTo, context);
        if (why !== undefined) {
          memories.set(id, observed.memory);
          ({ status, news } = notScaled(observed, decision, why));
        }
      }
      for (const each of news) events.record(autoscaler, each);
      if (!isDeepStrictEqual(autoscaler.status, status))
        await client.updateStatus(horizontalPodAutoscaler, { ...autoscaler, status });
      return { again: { afterMs: syncMs } };
    },
  });

  async function metricsOf(
    { metadata, spec }: HorizontalPodAutoscaler,
    { scale }: FoundScale,
    { cache, client, now }: Context,
  ): Promise<Metrics> {
    const { namespace = "", name } = metadata;
    const selector = scale.status?.selector ?? "";
    if (selector === "") return noSelector;
    const matcher = parseLabelSelector(selector);
    selectors.set(`${namespace}/${name}`, matcher);
    const pods = cache.list(pod, namespace).filter((each) => matcher.matches(each.metadata.labels));
    const rivals = rivalsFor(pods, namespace);
    if (rivals.length > 1) {
      const message = `pods by selector ${selector} are controlled by multiple HPAs: [${rivals.join(" ")}]`;
      return { sort: "unselectable", reason: "AmbiguousSelector", message };
    }
    const { behavior } = spec;
    const tolerance = (given: string | undefined): number =>
      given === undefined ? settings.autoscalerTolerance : numberOf(given);
    const options: JudgeOptions = {
      namespace,
      selector,
      pods,
      specReplicas: scale.spec?.replicas ?? 0,
      statusReplicas: scale.status?.replicas ?? 0,
      source: metricsSource(client),
      describe: (reference) => {
        const found = kindNamed(reference, cache.list(customResourceDefinition));
        return found && { group: found.group, plural: found.plural, kind: reference.kind, name: reference.name };
      },
      settings: {
        now,
        cpuInitializationMs: settings.autoscalerCpuInitializationMs,
        initialReadinessDelayMs: settings.autoscalerInitialReadinessDelayMs,
        tolerances: { up: tolerance(behavior?.scaleUp?.tolerance), down: tolerance(behavior?.scaleDown?.tolerance) },
      },
    };
    return { sort: "judged", judgements: await Promise.all((spec.metrics ?? []).map((each) => judge(each, options))) };
  }

  /** The autoscalers that mean some of these pods. */
  function rivalsFor(pods: readonly Pod[], namespace: string): string[] {
    return [...selectors]
      .filter(([id]) => id.startsWith(`${namespace}/`))
      .filter(([, matcher]) => pods.some(({ metadata }) => matcher.matches(metadata.labels)))
      .map(([id]) => id);
  }
}

async function findScale({ metadata, spec }: HorizontalPodAutoscaler, context: Context): Promise<FoundScale | Error> {
  const reference = spec.scaleTargetRef;
  const resource = kindNamed(reference, context.cache.list(customResourceDefinition));
  if (!resource) {
    const { group } = groupVersionFrom(reference.apiVersion ?? "");
    return new Error(`no matches for kind ${JSON.stringify(reference.kind)} in group ${JSON.stringify(group)}`);
  }
  try {
    const answer = await context.client.transport.request({
      verb: "get",
      group: resource.group,
      version: resource.version,
      resource: resource.plural,
      subresource: "scale",
      namespace: metadata.namespace,
      name: reference.name,
    });
    return { resource, scale: answer as unknown as Scale };
  } catch (error) {
    if (error instanceof StatusError) return error;
    throw error;
  }
}

/** Why it could not be done; undefined when it was. */
async function setScale(
  { namespace }: ObjectKey,
  { resource, scale }: FoundScale,
  replicas: number,
  { client }: Context,
): Promise<string | undefined> {
  const body = { ...scale, spec: { ...scale.spec, replicas } } as unknown as AnyObject;
  try {
    await client.transport.request({
      verb: "update",
      group: resource.group,
      version: resource.version,
      resource: resource.plural,
      subresource: "scale",
      namespace,
      name: scale.metadata?.name ?? "",
      body,
    });
    return undefined;
  } catch (error) {
    if (error instanceof StatusError) return error.message;
    throw error;
  }
}
