import { ageColumn, nameColumn } from "../../columns.ts";
import type { FieldError, Path } from "../../field.ts";
import { defineKind } from "../../kind.ts";
import type { APIService, APIServiceSpec } from "../../schema/types.ts";
import { timeText } from "../../time.ts";
import { dnsLabel1035, dnsSubdomain, pathSegment } from "../../validate/names.ts";
import { validatePort, validateText } from "../../validate/values.ts";

const highestGroupPriority = 20_000;
const highestVersionPriority = 1000;

export const apiService = defineKind<APIService>({
  group: "apiregistration.k8s.io",
  version: "v1",
  kind: "APIService",
  plural: "apiservices",
  categories: ["api-extensions"],
  scope: "Cluster",
  unconditionalUpdate: false,
  type: "io.k8s.kube-aggregator.pkg.apis.apiregistration.v1.APIService",
  subresources: { status: true },
  validateName: pathSegment,
  columns: [
    nameColumn,
    {
      name: "Service",
      type: "string",
      cell: ({ spec: { service } }) => (service ? `${service.namespace}/${service.name}` : "Local"),
    },
    { name: "Available", type: "string", cell: availableText },
    ageColumn,
  ],

  defaults({ spec }) {
    if (spec.service) spec.service.port ??= 443;
  },

  // What this server answers itself is there at once.
  prepareCreate(service, { now }) {
    if (service.spec.service) return;
    const message = "Local APIServices are always available";
    const condition = { type: "Available", status: "True", reason: "Local", message };
    service.status = { conditions: [{ ...condition, lastTransitionTime: timeText(now) }] };
  },

  validate({ metadata: { name }, spec }, root) {
    const wanted = `${spec.version ?? ""}.${spec.group ?? ""}`;
    return [
      ...(name === wanted
        ? []
        : [
            root
              .child("metadata", "name")
              .invalid(name, `must be \`spec.version+"."+spec.group\`: ${JSON.stringify(wanted)}`),
          ]),
      ...validateSpec(spec, root.child("spec")),
    ];
  },

  validateSubresource: (_subresource, { status }, _old, root) =>
    (status?.conditions ?? []).flatMap(({ status: given }, i) =>
      ["True", "False", "Unknown"].includes(given ?? "")
        ? []
        : [
            root
              .child("status", "conditions")
              .index(i)
              .child("status")
              .notSupported(given ?? "", ["True", "False", "Unknown"]),
          ],
    ),
});

function availableText({ status }: APIService): string {
  const condition = status?.conditions?.find(({ type }) => type === "Available");
  if (!condition) return "Unknown";
  return condition.status === "True" ? "True" : `${condition.status} (${condition.reason ?? ""})`;
}

function validateSpec(spec: APIServiceSpec, at: Path): FieldError[] {
  const { group = "", version = "", groupPriorityMinimum = 0, versionPriority = 0, service } = spec;
  const errors: FieldError[] = [];
  if (version === "" || dnsLabel1035(version).length > 0)
    errors.push(...validateText(dnsLabel1035, version, at.child("version")));
  if (group) errors.push(...validateText(dnsSubdomain, group, at.child("group")));
  if (groupPriorityMinimum <= 0 || groupPriorityMinimum > highestGroupPriority)
    errors.push(
      at
        .child("groupPriorityMinimum")
        .invalid(groupPriorityMinimum, `must be positive and less than ${highestGroupPriority}`),
    );
  if (versionPriority <= 0 || versionPriority > highestVersionPriority)
    errors.push(
      at.child("versionPriority").invalid(versionPriority, `must be positive and less than ${highestVersionPriority}`),
    );
  if (!service) {
    if (spec.caBundle)
      errors.push(
        at.child("caBundle").invalid(`${spec.caBundle.length} bytes`, "local APIServices may not have a caBundle"),
      );
    if (spec.insecureSkipTLSVerify)
      errors.push(
        at.child("insecureSkipTLSVerify").invalid(true, "local APIServices may not have insecureSkipTLSVerify"),
      );
    return errors;
  }
  const place = at.child("service");
  if (!service.namespace) errors.push(place.child("namespace").required());
  if (!service.name) errors.push(place.child("name").required());
  if (service.port !== undefined) errors.push(...validatePort(service.port, place.child("port")));
  if (spec.insecureSkipTLSVerify && spec.caBundle)
    errors.push(at.child("insecureSkipTLSVerify").invalid(true, "may not be true if caBundle is present"));
  return errors;
}
