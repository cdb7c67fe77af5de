import { ageColumn, nameColumn } from "../../columns.ts";
import type { FieldError, Path } from "../../field.ts";
import type { Column } from "../../kind.ts";
import type { KubeObject } from "../../object.ts";
import { isCertificate, pemBlocks } from "../../pem.ts";
import type { MutatingWebhook, ServiceReference, ValidatingWebhook, WebhookClientConfig } from "../../schema/types.ts";
import { validateLabelSelector } from "../../validate/labels.ts";
import { dnsLabel1035, dnsSubdomain, qualifiedDomain } from "../../validate/names.ts";
import { validateOneOf, validatePort, validateText } from "../../validate/values.ts";
import {
  setRuleDefaults,
  validateFailurePolicy,
  validateMatchConditions,
  validateMatchPolicy,
  validateRule,
} from "./match.ts";

/** Admission webhooks of either sort. */

const longestSeconds = 30;
const reviewVersions = ["v1", "v1beta1"];
const urlForm = "; desired format: https://host[/path]";

export const webhookColumns: readonly Column<KubeObject & { webhooks?: unknown[] }>[] = [
  nameColumn,
  { name: "Webhooks", type: "integer", cell: ({ webhooks }) => webhooks?.length ?? 0 },
  ageColumn,
];

export function setWebhookDefaults(webhook: ValidatingWebhook): void {
  webhook.failurePolicy ??= "Fail";
  webhook.matchPolicy ??= "Equivalent";
  webhook.namespaceSelector ??= {};
  webhook.objectSelector ??= {};
  webhook.timeoutSeconds ??= 10;
  setRuleDefaults(webhook.rules);
  if (webhook.clientConfig?.service) webhook.clientConfig.service.port ??= 443;
}

export function validateWebhooks(
  webhooks: readonly (ValidatingWebhook & MutatingWebhook)[] = [],
  root: Path,
): FieldError[] {
  const names = webhooks.map(({ name }) => name);
  return webhooks.flatMap((webhook, i) => {
    const at = root.child("webhooks").index(i);
    return [
      ...validateWebhook(webhook, at),
      ...validateReviewVersions(webhook.admissionReviewVersions ?? [], at.child("admissionReviewVersions")),
      ...(webhook.name && names.indexOf(webhook.name) < i ? [at.child("name").duplicate(webhook.name)] : []),
    ];
  });
}

function validateWebhook(webhook: ValidatingWebhook & MutatingWebhook, at: Path): FieldError[] {
  const { name = "", rules = [], sideEffects, timeoutSeconds: seconds } = webhook;
  const effects = at.child("sideEffects");
  return [
    ...(name ? validateText(qualifiedDomain, name, at.child("name")) : [at.child("name").required()]),
    ...rules.flatMap((rule, i) => validateRule(rule, at.child("rules").index(i))),
    ...validateFailurePolicy(webhook.failurePolicy, at),
    ...validateMatchPolicy(webhook.matchPolicy, at),
    ...(sideEffects ? [] : [effects.required("must specify one of None, NoneOnDryRun")]),
    ...(sideEffects && !["None", "NoneOnDryRun"].includes(sideEffects)
      ? [effects.notSupported(sideEffects, ["None", "NoneOnDryRun"])]
      : []),
    ...(seconds !== undefined && (seconds <= 0 || seconds > longestSeconds)
      ? [at.child("timeoutSeconds").invalid(seconds, "the timeout value must be between 1 and 30 seconds")]
      : []),
    ...validateLabelSelector(webhook.namespaceSelector, at.child("namespaceSelector")),
    ...validateLabelSelector(webhook.objectSelector, at.child("objectSelector")),
    ...(webhook.reinvocationPolicy === undefined
      ? []
      : validateOneOf(webhook.reinvocationPolicy, ["IfNeeded", "Never"], at.child("reinvocationPolicy"))),
    ...validateClientConfig(webhook.clientConfig ?? {}, at.child("clientConfig")),
    ...validateMatchConditions(webhook.matchConditions, at.child("matchConditions")),
  ];
}

/** The versions of reviews that a webhook can read. `whenNone`: what is said when it names none. */
export function validateReviewVersions(
  versions: readonly string[],
  at: Path,
  whenNone = `must specify one of ${reviewVersions.join(", ")}`,
): FieldError[] {
  if (versions.length === 0) return [at.required(whenNone)];
  return [
    ...versions.flatMap((version, i) =>
      versions.indexOf(version) < i
        ? [at.index(i).invalid(version, "duplicate version")]
        : validateText(dnsLabel1035, version, at.index(i)),
    ),
    ...(versions.some((version) => reviewVersions.includes(version))
      ? []
      : [at.invalid(versions, `must include at least one of ${reviewVersions.join(", ")}`)]),
  ];
}

/** Where a webhook is reached: by exactly one of a URL and a Service. */
export function validateClientConfig({ url, service }: WebhookClientConfig, at: Path): FieldError[] {
  if ((url === undefined) === (service === undefined))
    return [at.required("exactly one of url or service is required")];
  if (url !== undefined) return validateUrl(url, at.child("url"));
  return service ? validateService(service, at.child("service")) : [];
}

/** Whether the bytes (in base64) are certificates, one at least. */
export function isCaBundle(bundle: string): boolean {
  const text = Buffer.from(bundle, "base64").toString("latin1");
  const blocks = [...pemBlocks(text)].filter(({ type, hasHeaders }) => type === "CERTIFICATE" && !hasHeaders);
  return blocks.length > 0 && blocks.every(({ bytes }) => isCertificate(bytes));
}

export function validateCaBundle(bundle: string, at: Path): FieldError[] {
  if (isCaBundle(bundle)) return [];
  const why = "data does not contain any valid RSA or ECDSA certificates";
  return [at.invalid(bundle, `unable to load root certificates: ${why}`)];
}

function validateUrl(text: string, at: Path): FieldError[] {
  const [, scheme = "", rest] = /^(?:([A-Za-z][A-Za-z0-9+.-]*):)?(.*)$/.exec(text) ?? [];
  const [, authority = ""] = /^\/\/([^/?#]*)/.exec(rest ?? "") ?? [];
  const host = authority.slice(authority.indexOf("@") + 1);
  const errors: FieldError[] = [];
  if (scheme !== "https") errors.push(at.invalid(scheme, `'https' is the only allowed URL scheme${urlForm}`));
  if (host === "") errors.push(at.invalid(host, `host must be specified${urlForm}`));
  if (authority.includes("@"))
    errors.push(at.invalid(authority.slice(0, authority.indexOf("@")), "user information is not permitted in the URL"));
  const [, query, fragment] = /^[^?#]*(?:\?([^#]*))?(?:#(.*))?$/.exec(text) ?? [];
  if (fragment) errors.push(at.invalid(fragment, "fragments are not permitted in the URL"));
  if (query) errors.push(at.invalid(query, "query parameters are not permitted in the URL"));
  return errors;
}

function validateService({ name, namespace, path, port }: ServiceReference, at: Path): FieldError[] {
  return [
    ...(name ? [] : [at.child("name").required("service name is required")]),
    ...(namespace ? [] : [at.child("namespace").required("service namespace is required")]),
    ...(port === undefined
      ? []
      : validatePort(port, at.child("port")).map((error) => ({
          ...error,
          message: error.message.replace(": must be", ": port is not valid: must be"),
        }))),
    ...(path ? validateServicePath(path, at.child("path")) : []),
  ];
}

function validateServicePath(path: string, at: Path): FieldError[] {
  if (path === "/") return [];
  if (path === "//") return [at.invalid(path, "segment[0] may not be empty")];
  const segments = path.slice(1).replace(/\/$/, "").split("/");
  return [
    ...(path.startsWith("/") ? [] : [at.invalid(path, "must start with a '/'")]),
    ...segments.flatMap((segment, i) =>
      segment === ""
        ? [at.invalid(path, `segment[${i}] may not be empty`)]
        : dnsSubdomain(segment).map((wrong) => at.invalid(path, `segment[${i}]: ${wrong}`)),
    ),
  ];
}
