import { randomUUID } from "node:crypto";
import { isDeepStrictEqual } from "node:util";
import type { AnyObject } from "../../../api/object.ts";
import type { CustomResourceDefinition, WebhookClientConfig } from "../../../api/schema/types.ts";
import { StatusError } from "../../../api/status.ts";
import type { WebhookClient } from "../../webhooks/client.ts";

type Convert = (objects: readonly AnyObject[], groupVersion: string) => Promise<AnyObject[]>;

const timeoutSeconds = 30;
const known = ["v1", "v1beta1"];

interface ConversionResponse {
  readonly uid?: string;
  readonly result?: { readonly status?: string; readonly message?: string };
  readonly convertedObjects?: readonly AnyObject[];
}

/** What converts objects of a definition whose strategy is Webhook (Kubernetes docs, "Versions in CustomResourceDefinitions"). */
export function converterFrom(
  { group, names, conversion }: CustomResourceDefinition["spec"],
  client: WebhookClient,
): Convert | undefined {
  const { strategy, webhook } = conversion ?? {};
  if (strategy !== "Webhook" || !webhook?.clientConfig) return undefined;
  const { clientConfig, conversionReviewVersions } = webhook;
  const version = conversionReviewVersions.find((candidate) => known.includes(candidate)) ?? "v1";
  const apiVersion = `apiextensions.k8s.io/${version}`;
  return async (objects, groupVersion) => {
    const others = objects.filter((object) => object.apiVersion !== groupVersion);
    if (others.length === 0) return [...objects];
    const from = others[0]?.apiVersion ?? group;
    const failed = (why: string): StatusError =>
      new StatusError(undefined, `conversion webhook for ${from}, Kind=${names.kind} ${why}`, undefined, 500);
    const converted = await converter(client, clientConfig, { apiVersion, objects: others, groupVersion }, failed);
    let next = 0;
    return objects.map((object) => {
      if (object.apiVersion === groupVersion) return object;
      const made = converted[next++];
      if (!made) throw failed(`returned ${converted.length} objects, expected ${others.length}`);
      return checked(object, made, groupVersion, failed);
    });
  };
}

async function converter(
  client: WebhookClient,
  config: WebhookClientConfig,
  asked: { readonly apiVersion: string; readonly objects: readonly AnyObject[]; readonly groupVersion: string },
  failed: (why: string) => StatusError,
): Promise<readonly AnyObject[]> {
  const { apiVersion, objects, groupVersion } = asked;
  const uid = randomUUID();
  const request = { uid, desiredAPIVersion: groupVersion, objects };
  let answer: unknown;
  try {
    answer = await client.call(config, { kind: "ConversionReview", apiVersion, request }, timeoutSeconds);
  } catch (error) {
    throw failed(`failed: ${error instanceof Error ? error.message : String(error)}`);
  }
  const { response } = (answer ?? {}) as { response?: ConversionResponse };
  if (!response) throw failed("failed: no response provided");
  if (apiVersion.endsWith("/v1") && response.uid !== uid)
    throw failed(`failed: expected response.uid=${JSON.stringify(uid)}, got ${JSON.stringify(response.uid ?? "")}`);
  const { status = "", message } = response.result ?? {};
  if (status !== "Success")
    throw failed(`failed: ${message || `response.result.status was '${status}', not 'Success'`}`);
  const converted = response.convertedObjects ?? [];
  if (converted.length !== objects.length)
    throw failed(`returned ${converted.length} objects, expected ${objects.length}`);
  return converted;
}

/** What a webhook made of an object: of the metadata only labels and annotations may be others. */
function checked(
  object: AnyObject,
  made: AnyObject,
  groupVersion: string,
  failed: (why: string) => StatusError,
): AnyObject {
  const wrong = (why: string): StatusError => failed(`returned invalid object: ${why}`);
  if (made.apiVersion !== groupVersion)
    throw wrong(`invalid groupVersion (expected ${groupVersion}, received ${made.apiVersion})`);
  if (made.kind !== object.kind) throw wrong(`invalid kind (expected ${object.kind}, received ${made.kind})`);
  for (const field of ["name", "namespace", "uid"] as const)
    if (!isDeepStrictEqual(made.metadata?.[field], object.metadata[field]))
      throw wrong(`must have the same ${field}: ${object.metadata[field] ?? ""} != ${made.metadata?.[field] ?? ""}`);
  const { labels, annotations } = made.metadata;
  const { labels: _, annotations: __, ...kept } = structuredClone(object.metadata);
  return { ...made, metadata: { ...kept, ...(labels && { labels }), ...(annotations && { annotations }) } };
}
