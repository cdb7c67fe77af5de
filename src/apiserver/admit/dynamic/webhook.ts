import type { MutatingWebhook, MutatingWebhookConfiguration } from "../../../api/schema/types.ts";
import { internalError, type Status, StatusError } from "../../../api/status.ts";
import type { WebhookClient } from "../../webhooks/client.ts";
import type { Review } from "../admission.ts";
import { type CompiledCondition, compileConditions } from "./conditions.ts";
import type { Matching, SeenAs } from "./match.ts";
import { type Phase, requestOf, shownObject } from "./review.ts";

/** A webhook of a configuration, ready to be asked. */
export interface Webhook {
  readonly name: string;
  readonly webhook: MutatingWebhook;
  readonly matching: Matching;
  readonly conditions: readonly CompiledCondition[];
  /** Which one it is among all: of several configurations there may be some of one name. */
  readonly id: string;
}

/** The webhooks of a configuration of either sort: a validating one says less. */
export function webhooksOf({ metadata, webhooks = [] }: MutatingWebhookConfiguration): Webhook[] {
  return webhooks.map((webhook, i) => ({
    name: webhook.name ?? "",
    webhook,
    matching: {
      rules: webhook.rules ?? [],
      namespaceSelector: webhook.namespaceSelector,
      objectSelector: webhook.objectSelector,
      matchPolicy: webhook.matchPolicy,
    },
    conditions: compileConditions(webhook.matchConditions),
    id: `${metadata.name}/${i}`,
  }));
}

/** What a webhook answered. */
export interface WebhookAnswer {
  readonly patch: unknown;
}

interface AdmissionResponse {
  readonly uid?: string;
  readonly allowed?: boolean;
  readonly status?: Partial<Status>;
  readonly patch?: string;
  readonly patchType?: string;
  readonly warnings?: readonly string[];
  readonly auditAnnotations?: Readonly<Record<string, string>>;
}

const known = ["v1", "v1beta1"];
const defaultTimeoutSeconds = 10;

/**
 * Asks a webhook. What cannot be asked and may be left out is left out.
 * @throws {StatusError} when it refuses, or cannot be asked and has to be
 */
export async function ask(
  client: WebhookClient,
  { name, webhook }: Webhook,
  { review, seen, phase }: { readonly review: Review; readonly seen: SeenAs; readonly phase: Phase },
): Promise<WebhookAnswer | undefined> {
  const { call } = review;
  if (call.options.dryRun && !["None", "NoneOnDryRun"].includes(webhook.sideEffects ?? ""))
    throw new StatusError("BadRequest", `admission webhook ${JSON.stringify(name)} does not support dry run`);
  const request = {
    ...requestOf(review, seen),
    object: shownObject(review, review.object, seen, phase) ?? null,
    oldObject: shownObject(review, review.old, seen, phase) ?? null,
  };
  const version = webhook.admissionReviewVersions?.find((candidate) => known.includes(candidate)) ?? "v1";
  const apiVersion = `admission.k8s.io/${version}`;
  let response: AdmissionResponse;
  let patch: unknown;
  try {
    const timeout = webhook.timeoutSeconds ?? defaultTimeoutSeconds;
    const answer = await called(client, webhook, { kind: "AdmissionReview", apiVersion, request }, timeout);
    response = responseIn(answer, apiVersion, String((request as { uid?: string }).uid));
    patch = patchIn(response);
  } catch (error) {
    if (webhook.failurePolicy === "Ignore") return undefined;
    const why = error instanceof Error ? error.message : String(error);
    throw internalError(`failed calling webhook ${JSON.stringify(name)}: ${why}`);
  }
  for (const text of response.warnings ?? []) call.warn(text);
  for (const [key, value] of Object.entries(response.auditAnnotations ?? {})) call.annotate?.(`${name}/${key}`, value);
  if (!response.allowed) throw refusal(name, response.status ?? {});
  return { patch };
}

async function called(
  client: WebhookClient,
  { clientConfig }: MutatingWebhook,
  body: unknown,
  timeoutSeconds: number,
): Promise<unknown> {
  try {
    return await client.call(clientConfig, body, timeoutSeconds);
  } catch (error) {
    throw new Error(`failed to call webhook: ${error instanceof Error ? error.message : String(error)}`, {
      cause: error,
    });
  }
}

function responseIn(answer: unknown, apiVersion: string, uid: string): AdmissionResponse {
  const { kind, apiVersion: given, response } = (answer ?? {}) as Record<string, unknown>;
  const invalid = (why: string): Error => new Error(`received invalid webhook response: ${why}`);
  if (kind !== "AdmissionReview" || given !== apiVersion)
    throw invalid(
      `expected webhook response of ${apiVersion}, Kind=AdmissionReview, got ${given ?? "/"}, Kind=${kind ?? ""}`,
    );
  if (typeof response !== "object" || response === null) throw invalid("webhook response was absent");
  const own = response as AdmissionResponse;
  // The first form of reviews knew no uids in answers.
  if (own.uid !== uid && apiVersion.endsWith("/v1"))
    throw invalid(`expected response.uid=${JSON.stringify(uid)}, got ${JSON.stringify(own.uid ?? "")}`);
  return own;
}

function patchIn({ patch, patchType }: AdmissionResponse): unknown {
  if (patch === undefined || patch === "") return undefined;
  if (patchType !== undefined && patchType !== "JSONPatch")
    throw new Error(`received invalid webhook response: unsupported patch type ${JSON.stringify(patchType)}`);
  return JSON.parse(Buffer.from(patch, "base64").toString());
}

const lowestRefusal = 400;

function refusal(name: string, { message, reason, code = 0, details }: Partial<Status>): StatusError {
  const denied = `admission webhook ${JSON.stringify(name)} denied the request`;
  const text = message ? `${denied}: ${message}` : reason ? `${denied}: ${reason}` : `${denied} without explanation`;
  return new StatusError(reason as StatusError["reason"], text, details, Math.max(code, lowestRefusal));
}
