import { parseIp } from "../../../base/ip.ts";
import type { FieldError, Path } from "../../field.ts";
import { restartRuleFor } from "../../restart-rules.ts";
import type { Container, ContainerStatus, Pod, PodSpec, PodStatus } from "../../schema/types.ts";
import { validateIp } from "../../validate/addresses.ts";
import { dnsLabel, dnsSubdomain, qualifiedName } from "../../validate/names.ts";
import { validateId } from "../../validate/security.ts";
import { validateOneOf, validateText } from "../../validate/values.ts";

const ownConditions = new Set(["PodScheduled", "Ready", "Initialized"]);
const lists = ["containerStatuses", "initContainerStatuses", "ephemeralContainerStatuses"] as const;
/** Where the containers of a list of statuses are described. */
const containersOf = {
  containerStatuses: "containers",
  initContainerStatuses: "initContainers",
  ephemeralContainerStatuses: "ephemeralContainers",
} as const;

/** What a report on a pod may not say. */
export function validatePodStatus({ spec, status = {} }: Pod, old: Pod, root: Path): FieldError[] {
  const at = root.child("status");
  return [
    ...(status.conditions ?? []).flatMap(({ type = "", observedGeneration }, i) => {
      const place = at.child("conditions").index(i);
      return [
        ...validateGeneration(observedGeneration, place.child("observedGeneration")),
        ...(ownConditions.has(type) ? [] : validateText(qualifiedName, type, place.child("Type"))),
      ];
    }),
    ...validateNomination(status.nominatedNodeName, old, at.child("nominatedNodeName")),
    ...validateGeneration(status.observedGeneration, at.child("observedGeneration")),
    ...((status.qosClass ?? "") === (old.status?.qosClass ?? "")
      ? []
      : [at.child("qosClass").invalid(status.qosClass ?? "", "field is immutable")]),
    ...lists.flatMap((list) => validateTransitions(status, old, list, at.child(list))),
    ...validateClaimStatuses(status, spec, at.child("resourceClaimStatuses")),
    ...validateExtendedClaim(status, spec, at.child("extendedResourceClaimStatus")),
    ...validateAddresses(status, at),
    ...lists.flatMap((list) => validateUsers(status[list] ?? [], spec, at.child(list))),
    ...lists.flatMap((list) => validateHealth(status[list] ?? [], spec, list, at.child(list))),
  ];
}

function validateGeneration(generation: number | undefined, at: Path): FieldError[] {
  return (generation ?? 0) < 0 ? [at.invalid(generation, "must be a non-negative integer")] : [];
}

/** Where a pod may go is of interest until it goes somewhere. */
function validateNomination(name: string | undefined, old: Pod, at: Path): FieldError[] {
  if (!name || name === old.status?.nominatedNodeName) return [];
  return [
    ...validateText(dnsSubdomain, name, at),
    ...(old.spec.nodeName ? [at.forbidden("may not be set on pods that are already bound to a node")] : []),
  ];
}

/** A container that ended for good does not run again. */
function validateTransitions(
  status: PodStatus,
  { spec, status: before = {} }: Pod,
  list: (typeof lists)[number],
  at: Path,
): FieldError[] {
  const next = new Map((status[list] ?? []).map((container) => [container.name, container]));
  return (before[list] ?? []).flatMap(({ name, state }, i) => {
    const after = next.get(name);
    if (!state?.terminated || !after || after.state?.terminated) return [];
    if (list !== "ephemeralContainerStatuses" && runsAgain(name, state.terminated.exitCode, spec, containersOf[list]))
      return [];
    return [at.index(i).child("state").forbidden("may not be transitioned to non-terminated state")];
  });
}

/** Whether a container is started again after it ended so: its own rules say it first, then its own policy, then the pod's. */
function runsAgain(name: string, exitCode: number, spec: PodSpec, list: "containers" | "initContainers"): boolean {
  const container: Container | undefined = spec[list]?.find((other) => other.name === name);
  if (container?.restartPolicy !== undefined && restartRuleFor(container.restartPolicyRules, exitCode)) return true;
  const policy = container?.restartPolicy ?? spec.restartPolicy ?? "Always";
  return policy === "Always" || (policy === "OnFailure" && exitCode !== 0);
}

function validateClaimStatuses({ resourceClaimStatuses = [] }: PodStatus, spec: PodSpec, at: Path): FieldError[] {
  const known = new Set((spec.resourceClaims ?? []).map(({ name }) => name));
  const seen = new Set<string>();
  return resourceClaimStatuses.flatMap(({ name = "", resourceClaimName }, i) => {
    const place = at.index(i).child("name");
    const repeated = seen.has(name);
    seen.add(name);
    return [
      ...(known.has(name) ? [] : [place.invalid(name, "must match the name of an entry in `spec.resourceClaims`")]),
      ...(repeated ? [place.duplicate(name)] : []),
      ...(resourceClaimName === undefined ? [] : validateText(dnsSubdomain, resourceClaimName, place)),
    ];
  });
}

/** A claim that stands for extended resources: which container's, and which of its requests. */
function validateExtendedClaim(
  { extendedResourceClaimStatus: claim }: PodStatus,
  { containers = [], initContainers = [] }: PodSpec,
  at: Path,
): FieldError[] {
  if (!claim) return [];
  const { requestMappings: mappings = [], resourceClaimName } = claim;
  const known = new Map([...initContainers, ...containers].map((container) => [container.name, container]));
  const seen = new Set<string>();
  return [
    ...(mappings.length > 0 ? [] : [at.child("requestMappings").required("at least one request mapping is required")]),
    ...mappings.flatMap(({ containerName, resourceName, requestName }, i) => {
      const place = at.child("requestMappings").index(i);
      const container = known.get(containerName);
      const errors: FieldError[] = [];
      if (!container)
        errors.push(
          place
            .child("containerName")
            .invalid(
              containerName,
              "must match the name of an entry in spec.initContainers.name or spec.containers.name",
            ),
        );
      else if (!(resourceName in (container.resources?.requests ?? {})))
        errors.push(
          place
            .child("resourceName")
            .invalid(
              resourceName,
              "must match the extended resource name of an entry in spec.initContainers.resources.requests or spec.containers.resources.requests",
            ),
        );
      errors.push(...validateText(dnsLabel, requestName, at.child("requestName")));
      const key = JSON.stringify([containerName, resourceName, requestName]);
      if (seen.has(key))
        for (const [field, value] of Object.entries({ containerName, resourceName, requestName }))
          errors.push(place.child(field).duplicate(value));
      seen.add(key);
      return errors;
    }),
    ...(resourceClaimName
      ? validateText(dnsSubdomain, resourceClaimName, at.child("resourceClaimName"))
      : [at.child("resourceClaimName").required()]),
  ];
}

function validateAddresses({ podIPs = [], hostIP = "", hostIPs = [] }: PodStatus, at: Path): FieldError[] {
  const errors = validateAddressList(podIPs, at.child("podIPs"));
  if (hostIPs[0] && hostIPs[0].ip !== hostIP)
    errors.push(at.child("hostIPs").index(0).child("ip").invalid(hostIPs[0].ip, "must be equal to `hostIP`"));
  return [...errors, ...validateAddressList(hostIPs, at.child("hostIPs"))];
}

function validateAddressList(list: readonly { ip?: string }[], at: Path): FieldError[] {
  const errors = list.flatMap(({ ip = "" }, i) => validateIp(ip, at.index(i)));
  if (list.length < 2) return errors;
  const shown = list.map(({ ip = "" }) => ({ IP: ip }));
  if (new Set(list.map(({ ip = "" }) => parseIp(ip)?.family)).size < 2 || list.length > 2)
    errors.push(at.invalid(shown, "may specify no more than one IP for each IP family"));
  return errors;
}

/** As whom a container was started. */
function validateUsers(statuses: readonly ContainerStatus[], { os }: PodSpec, at: Path): FieldError[] {
  return statuses.flatMap(({ user }, i) => {
    const place = at.index(i).child("user", "linux");
    if (!user?.linux) return [];
    if (os?.name === "windows") return [place.forbidden("cannot be set for a windows pod")];
    const { uid, gid, supplementalGroups = [] } = user.linux;
    return [
      ...validateId(uid, place.child("uid")),
      ...validateId(gid, place.child("gid")),
      ...supplementalGroups.flatMap((group, j) => validateId(group, place.child("supplementalGroups").index(j))),
    ];
  });
}

/** How devices are that a container has been given. */
function validateHealth(
  statuses: readonly ContainerStatus[],
  spec: PodSpec,
  list: (typeof lists)[number],
  at: Path,
): FieldError[] {
  return statuses.flatMap(({ name, allocatedResourcesStatus: allocated = [] }, i) => {
    const place = at.index(i).child("allocatedResourcesStatus");
    if (list === "ephemeralContainerStatuses")
      return allocated.length > 0 ? [place.forbidden("must not be specified in container status")] : [];
    const container = spec[containersOf[list]]?.find((other) => other.name === name);
    return allocated.flatMap((resource, j) => {
      const ids = new Set<string>();
      return [
        ...validateAllocated(resource.name, container, place.index(j).child("name")),
        ...(resource.resources ?? []).flatMap(({ health = "", resourceID }, k) => {
          const own = place.index(j).child("resources").index(k);
          const repeated = ids.has(resourceID);
          ids.add(resourceID);
          return [
            ...validateOneOf(health, ["Healthy", "Unhealthy", "Unknown"], own.child("health")),
            ...(repeated ? [own.child("resourceID").duplicate(resourceID)] : []),
          ];
        }),
      ];
    });
  });
}

const claimPrefix = "claim:";

/** What is allocated was asked for: by a claim, or as a resource. Containers that are not there are passed over. */
function validateAllocated(name: string, container: Container | undefined, at: Path): FieldError[] {
  if (!container) return [];
  const { claims = [], requests = {} } = container.resources ?? {};
  if (!name.startsWith(claimPrefix))
    return name in requests ? [] : [at.invalid(name, "must match one of the container's resource requests")];
  const asked = claims.map(({ name: claim, request }) => `${claimPrefix}${claim}${request ? `/${request}` : ""}`);
  if (asked.includes(name)) return [];
  return [
    at.invalid(
      name,
      "must match one of the container's resource claims in a format 'claim:<claimName>/<request>' or 'claim:<claimName>' if request is empty",
    ),
  ];
}
