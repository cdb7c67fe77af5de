import type { FieldError, Path } from "../field.ts";
import type {
  Container,
  ContainerPort,
  EphemeralContainer,
  PodSpec,
  Volume,
  VolumeDevice,
  VolumeMount,
} from "../schema/types.ts";
import { validateEnv, validateEnvFrom } from "./env.ts";
import { dnsLabel, portName } from "./names.ts";
import { validateDescendingPath, validateNoBacksteps } from "./paths.ts";
import { type ProbeUse, validateLifecycle, validateProbe } from "./probes.ts";
import { validateResources } from "./resources.ts";
import { validateContainerSecurity } from "./security.ts";
import { validateOneOf, validatePort, validateText } from "./values.ts";

/** What a container is judged in. `volumes`: the well-formed ones, by name. */
export interface PodContext {
  readonly spec: PodSpec;
  readonly volumes: ReadonlyMap<string, Volume>;
}

const probes: readonly ProbeUse[] = ["livenessProbe", "readinessProbe", "startupProbe"];

export function validateContainers(context: PodContext, at: Path): FieldError[] {
  const containers = context.spec.containers ?? [];
  if (containers.length === 0) return [at.required()];
  const errors = containers.flatMap((container, i) => {
    const place = at.index(i);
    const repeated = containers.findIndex(({ name }) => name === container.name) < i;
    return [
      ...validateContainer(container, context, place),
      ...(repeated ? [place.child("name").duplicate(container.name ?? "")] : []),
      ...validateCare(container, context.spec, place),
      ...validateRestartRules(container, place),
    ];
  });
  return [...errors, ...validateHostPortsOnce(containers, at)];
}

export function validateInitContainers(context: PodContext, at: Path): FieldError[] {
  const names = new Set((context.spec.containers ?? []).map(({ name }) => name));
  return (context.spec.initContainers ?? []).flatMap((container, i) => {
    const place = at.index(i);
    const errors = validateContainer(container, context, place);
    errors.push(...validateRestartRules(container, place));
    if (names.has(container.name)) errors.push(place.child("name").duplicate(container.name));
    if (container.name) names.add(container.name);
    errors.push(...validateHostPortsOnce([container], at));
    if (container.restartPolicy === "Always") return [...errors, ...validateCare(container, context.spec, place)];
    const why = "may not be set for init containers without restartPolicy=Always";
    for (const field of ["lifecycle", ...probes] as const)
      if (container[field]) errors.push(place.child(field).forbidden(why));
    return errors;
  });
}

/** What an ephemeral container may not have: it comes to look, not to serve. */
const notEphemeral = [
  "ports",
  "resources",
  "resizePolicy",
  "restartPolicy",
  "restartPolicyRules",
  "livenessProbe",
  "readinessProbe",
  "startupProbe",
  "lifecycle",
] as const;

export function validateEphemeralContainers(context: PodContext, at: Path): FieldError[] {
  const { containers, initContainers = [], ephemeralContainers = [] } = context.spec;
  const others = new Set([...(containers ?? []), ...initContainers].map(({ name }) => name));
  const names = new Set(others);
  return ephemeralContainers.flatMap((container: EphemeralContainer, i) => {
    const place = at.index(i);
    const errors = [...validateContainer(container, context, place), ...validateImagePadding(container, place)];
    if (names.has(container.name)) errors.push(place.child("name").duplicate(container.name));
    names.add(container.name);
    const target = container.targetContainerName;
    if (target && !others.has(target)) errors.push(place.child("targetContainerName").notFound(target));
    const why = "cannot be set for an Ephemeral Container";
    for (const field of notEphemeral) if (isSet(container[field])) errors.push(place.child(field).forbidden(why));
    for (const [j, mount] of (container.volumeMounts ?? []).entries())
      for (const field of ["subPath", "subPathExpr"] as const)
        if (mount[field]) errors.push(place.child("volumeMounts").index(j).child(field).forbidden(why));
    return errors;
  });
}

function isSet(value: unknown): boolean {
  return value !== undefined && value !== null && (typeof value !== "object" || Object.keys(value).length > 0);
}

/** A pod's image is taken as it is written; that of a template may still be filled in. */
export function validateImagePadding({ image = "" }: Container, at: Path): FieldError[] {
  if (image === image.trim()) return [];
  return [at.child("image").invalid(image, "must not have leading or trailing whitespace")];
}

/** What holds for every sort of container. */
function validateContainer(container: Container, context: PodContext, at: Path): FieldError[] {
  const { name, image = "", volumeMounts = [], volumeDevices = [], resources = {} } = container;
  const claims = new Set((context.spec.resourceClaims ?? []).map((claim) => claim.name));
  return [
    ...(name ? validateText(dnsLabel, name, at.child("name")) : [at.child("name").required()]),
    ...(image ? [] : [at.child("image").required()]),
    ...validateOneOf(
      container.terminationMessagePolicy,
      ["File", "FallbackToLogsOnError"],
      at.child("terminationMessagePolicy"),
    ),
    ...validatePorts(container.ports ?? [], at.child("ports")),
    ...validateEnv(container.env ?? [], at.child("env")),
    ...validateEnvFrom(container.envFrom ?? [], at.child("envFrom")),
    ...validateMounts(container, context, at.child("volumeMounts")),
    ...validateDevices(volumeDevices, volumeMounts, context, at.child("volumeDevices")),
    ...validatePullPolicy(container.imagePullPolicy, at.child("imagePullPolicy")),
    ...validateResources(resources, { claims }, at.child("resources")),
    ...validateResizePolicy(container, context.spec, at.child("resizePolicy")),
    ...validateContainerSecurity(container.securityContext, context.spec, at.child("securityContext")),
  ];
}

export function validatePullPolicy(policy: string | undefined, at: Path): FieldError[] {
  return policy ? validateOneOf(policy, ["Always", "IfNotPresent", "Never"], at) : [at.required()];
}

/** Probes and hooks. */
function validateCare(container: Container, { terminationGracePeriodSeconds }: PodSpec, at: Path): FieldError[] {
  return [
    ...(container.lifecycle
      ? validateLifecycle(container.lifecycle, terminationGracePeriodSeconds, at.child("lifecycle"))
      : []),
    ...probes.flatMap((use) => validateProbe(container[use], use, at.child(use))),
  ];
}

const mostRestartRules = 20;
const mostExitCodes = 255;

/** A container's own word on when it is started again. */
function validateRestartRules({ restartPolicy, restartPolicyRules: rules = [] }: Container, at: Path): FieldError[] {
  const errors =
    restartPolicy === undefined
      ? []
      : validateOneOf(restartPolicy, ["Always", "Never", "OnFailure"], at.child("restartPolicy"));
  const place = at.child("restartPolicyRules");
  if (rules.length === 0) return errors;
  if (restartPolicy === undefined)
    errors.push(at.child("restartPolicy").required("must specify restartPolicy when restart rules are used"));
  if (rules.length > mostRestartRules) errors.push(place.tooMany(rules.length, mostRestartRules));
  for (const [i, { action, exitCodes }] of rules.entries()) {
    const rule = place.index(i);
    errors.push(...validateOneOf(action, ["Restart", "RestartAllContainers"], rule.child("action")));
    if (!exitCodes) {
      errors.push(rule.child("exitCodes").required("must be specified"));
      continue;
    }
    const { operator, values = [] } = exitCodes;
    errors.push(...validateOneOf(operator, ["In", "NotIn"], rule.child("exitCodes", "operator")));
    if (values.length > mostExitCodes)
      errors.push(rule.child("exitCodes", "values").tooMany(values.length, mostExitCodes));
  }
  return errors;
}

function validatePorts(ports: readonly ContainerPort[], at: Path): FieldError[] {
  const names = new Set<string>();
  return ports.flatMap(({ name, containerPort, hostPort, protocol }, i) => {
    const place = at.index(i);
    const errors: FieldError[] = [];
    if (name) {
      const wrong = validateText(portName, name, place.child("name"));
      errors.push(...wrong);
      if (wrong.length === 0 && names.has(name)) errors.push(place.child("name").duplicate(name));
      if (wrong.length === 0) names.add(name);
    }
    if (!containerPort) errors.push(place.child("containerPort").required());
    else errors.push(...validatePort(containerPort, place.child("containerPort")));
    if (hostPort) errors.push(...validatePort(hostPort, place.child("hostPort")));
    errors.push(...validateOneOf(protocol, ["SCTP", "TCP", "UDP"], place.child("protocol")));
    return errors;
  });
}

function validateHostPortsOnce(containers: readonly Container[], at: Path): FieldError[] {
  const taken = new Set<string>();
  return containers.flatMap(({ ports = [] }, i) =>
    ports.flatMap(({ hostPort, hostIP = "", protocol }, j) => {
      if (!hostPort) return [];
      const key = `${protocol}/${hostIP}/${hostPort}`;
      const conflict = taken.has(key);
      taken.add(key);
      return conflict ? [at.index(i).child("ports").index(j).child("hostPort").duplicate(key)] : [];
    }),
  );
}

function validateMounts(container: Container, { volumes }: PodContext, at: Path): FieldError[] {
  const devices = container.volumeDevices ?? [];
  const paths = new Set<string>();
  return (container.volumeMounts ?? []).flatMap((mount, i) => {
    const { name = "", mountPath = "", subPath, subPathExpr } = mount;
    const place = at.index(i);
    const errors: FieldError[] = [];
    if (!name) errors.push(place.child("name").required());
    if (!volumes.has(name)) errors.push(place.child("name").notFound(name));
    if (!mountPath) errors.push(place.child("mountPath").required());
    if (paths.has(mountPath)) errors.push(place.child("mountPath").invalid(mountPath, "must be unique"));
    paths.add(mountPath);
    if (devices.some((device) => device.name === name))
      errors.push(place.child("name").invalid(name, "must not already exist in volumeDevices"));
    if (devices.some((device) => device.devicePath === mountPath))
      errors.push(place.child("mountPath").invalid(mountPath, "must not already exist as a path in volumeDevices"));
    if (subPath) errors.push(...validateDescendingPath(subPath, at.child("subPath")));
    if (subPath && subPathExpr)
      errors.push(place.child("subPathExpr").invalid(subPathExpr, "subPathExpr and subPath are mutually exclusive"));
    if (subPathExpr) errors.push(...validateDescendingPath(subPathExpr, at.child("subPathExpr")));
    return [...errors, ...validatePropagation(mount, container, at)];
  });
}

function validatePropagation(mount: VolumeMount, { securityContext }: Container, at: Path): FieldError[] {
  const { mountPropagation, recursiveReadOnly, readOnly } = mount;
  const errors: FieldError[] = [];
  const place = at.child("mountPropagation");
  if (mountPropagation !== undefined)
    errors.push(...validateOneOf(mountPropagation, ["Bidirectional", "HostToContainer", "None"], place));
  if (mountPropagation === "Bidirectional" && !securityContext?.privileged)
    errors.push(place.forbidden("Bidirectional mount propagation is available only to privileged containers"));
  if (recursiveReadOnly === undefined || recursiveReadOnly === "Disabled") return errors;
  const recursive = at.child("recursiveReadOnly");
  if (recursiveReadOnly !== "Enabled" && recursiveReadOnly !== "IfPossible")
    return [...errors, recursive.notSupported(recursiveReadOnly, ["Disabled", "Enabled", "IfPossible"])];
  if (!readOnly) errors.push(recursive.forbidden("may only be specified when readOnly is true"));
  if (mountPropagation !== undefined && mountPropagation !== "None")
    errors.push(recursive.forbidden("may only be specified when mountPropagation is None or not specified"));
  return errors;
}

function validateDevices(
  devices: readonly VolumeDevice[],
  mounts: readonly VolumeMount[],
  { volumes }: PodContext,
  at: Path,
): FieldError[] {
  const names = new Set<string>();
  const paths = new Set<string>();
  return devices.flatMap(({ name = "", devicePath = "" }, i) => {
    const place = at.index(i);
    const volume = volumes.get(name);
    const errors: FieldError[] = [];
    if (!name) errors.push(place.child("name").required());
    if (names.has(name)) errors.push(place.child("name").invalid(name, "must be unique"));
    if (volume && !volume.persistentVolumeClaim && !volume.ephemeral)
      errors.push(
        place
          .child("name")
          .invalid(name, "can only use volume source type of PersistentVolumeClaim or Ephemeral for block mode"),
      );
    if (!volume) errors.push(place.child("name").notFound(name));
    if (!devicePath) errors.push(place.child("devicePath").required());
    if (paths.has(devicePath)) errors.push(place.child("devicePath").invalid(devicePath, "must be unique"));
    if (validateNoBacksteps(devicePath, at).length > 0)
      errors.push(place.child("devicePath").invalid(devicePath, "can not contain backsteps ('..')"));
    else paths.add(devicePath);
    if (mounts.some((mount) => mount.name === name))
      errors.push(place.child("name").invalid(name, "must not already exist in volumeMounts"));
    if (mounts.some((mount) => mount.mountPath === devicePath))
      errors.push(place.child("devicePath").invalid(devicePath, "must not already exist as a path in volumeMounts"));
    if (name) names.add(name);
    return errors;
  });
}

function validateResizePolicy({ resizePolicy = [] }: Container, spec: PodSpec, at: Path): FieldError[] {
  return resizePolicy.flatMap(({ resourceName = "", restartPolicy = "" }, i) => {
    const repeated = resizePolicy.findIndex((other) => other.resourceName === resourceName) < i;
    return [
      ...(repeated ? [at.index(i).duplicate(resourceName)] : []),
      ...(resourceName ? validateOneOf(resourceName, ["cpu", "memory"], at) : [at.required()]),
      ...(restartPolicy ? validateOneOf(restartPolicy, ["NotRequired", "RestartContainer"], at) : [at.required()]),
      ...(spec.restartPolicy === "Never" && restartPolicy !== "NotRequired"
        ? [at.invalid(restartPolicy, "must be 'NotRequired' when `restartPolicy` is 'Never'")]
        : []),
    ];
  });
}
