import type { FieldError, Path } from "../field.ts";
import { goView } from "../go-view.ts";
import type { AppArmorProfile, Container, PodSpec, SeccompProfile, SecurityContext, Sysctl } from "../schema/types.ts";
import { validateDescendingPath } from "./paths.ts";
import { validateInRange, validateOneOf } from "./values.ts";
import { validateWindowsOptions } from "./windows.ts";

/* Kubernetes docs, "Configure a Security Context for a Pod or Container". */

const profileTypes = ["Localhost", "RuntimeDefault", "Unconfined"];
const longestProfile = 4095;

export function validatePodSecurity(spec: PodSpec, at: Path): FieldError[] {
  const context = spec.securityContext ?? {};
  const errors = [
    ...validateId(context.fsGroup, at.child("fsGroup")),
    ...validateId(context.runAsUser, at.child("runAsUser")),
    ...validateId(context.runAsGroup, at.child("runAsGroup")),
    ...(context.supplementalGroups ?? []).flatMap((id, i) => validateId(id, at.child("supplementalGroups").index(i))),
  ];
  if (spec.shareProcessNamespace && spec.hostPID)
    errors.push(
      at.child("shareProcessNamespace").invalid(true, "ShareProcessNamespace and HostPID cannot both be enabled"),
    );
  errors.push(...validateSysctls(spec, at.child("sysctls")));
  const choice = (
    field: "fsGroupChangePolicy" | "supplementalGroupsPolicy" | "seLinuxChangePolicy",
    valid: string[],
  ) => {
    if (context[field] !== undefined) errors.push(...validateOneOf(context[field], valid, at.child(field)));
  };
  choice("fsGroupChangePolicy", ["Always", "OnRootMismatch"]);
  errors.push(...validateSeccomp(context.seccompProfile, at.child("seccompProfile")));
  errors.push(...validateWindowsOptions(context.windowsOptions, at.child("windowsOptions")));
  errors.push(...validateAppArmor(context.appArmorProfile, at.child("appArmorProfile")));
  choice("supplementalGroupsPolicy", ["Merge", "Strict"]);
  choice("seLinuxChangePolicy", ["MountOption", "Recursive"]);
  return errors;
}

export function validateContainerSecurity(context: SecurityContext | undefined, spec: PodSpec, at: Path): FieldError[] {
  if (!context) return [];
  const { procMount, allowPrivilegeEscalation, privileged, capabilities } = context;
  const errors = [
    ...validateId(context.runAsUser, at.child("runAsUser")),
    ...validateId(context.runAsGroup, at.child("runAsGroup")),
  ];
  if (procMount !== undefined) {
    errors.push(...validateOneOf(procMount, ["Default", "Unmasked"], at.child("procMount")));
    if (procMount === "Unmasked" && spec.hostUsers !== false)
      errors.push(at.child("procMount").invalid(procMount, "`hostUsers` must be false to use `Unmasked`"));
  }
  errors.push(...validateSeccomp(context.seccompProfile, at.child("seccompProfile")));
  if (allowPrivilegeEscalation === false) {
    const cannot = "cannot set `allowPrivilegeEscalation` to false and";
    if (privileged) errors.push(at.invalid(shownContext(context), `${cannot} \`privileged\` to true`));
    if (capabilities?.add?.includes("CAP_SYS_ADMIN"))
      errors.push(at.invalid(shownContext(context), `${cannot} \`capabilities.Add\` CAP_SYS_ADMIN`));
  }
  errors.push(...validateWindowsOptions(context.windowsOptions, at.child("windowsOptions")));
  errors.push(...validateAppArmor(context.appArmorProfile, at.child("appArmorProfile")));
  return errors;
}

function shownContext(context: SecurityContext): unknown {
  return goView("SecurityContext", context);
}

export function validateId(id: number | undefined, at: Path): FieldError[] {
  return validateInRange(id, [0, 2147483647], at);
}

function validateSeccomp(profile: SeccompProfile | undefined, at: Path): FieldError[] {
  if (!profile) return [];
  const { type = "", localhostProfile } = profile;
  const place = at.child("localhostProfile");
  const errors = type
    ? validateOneOf(type, profileTypes, at.child("type"))
    : [at.child("type").required("type is required when seccompProfile is set")];
  if (type !== "Localhost")
    return localhostProfile === undefined
      ? errors
      : [...errors, place.invalid(goView("SeccompProfile", profile), "can only be set when seccomp type is Localhost")];
  return [
    ...errors,
    ...(localhostProfile === undefined
      ? [place.required("must be set when seccomp type is Localhost")]
      : validateDescendingPath(localhostProfile, place)),
  ];
}

function validateAppArmor(profile: AppArmorProfile | undefined, at: Path): FieldError[] {
  if (!profile) return [];
  const { type = "", localhostProfile } = profile;
  const place = at.child("localhostProfile");
  if (!type) return [at.child("type").required("type is required when appArmorProfile is set")];
  if (type !== "Localhost")
    return [
      ...validateOneOf(type, profileTypes, at.child("type")),
      ...(localhostProfile !== undefined && profileTypes.includes(type)
        ? [place.invalid(localhostProfile, "can only be set when AppArmor type is Localhost")]
        : []),
    ];
  if (!localhostProfile?.trim() && localhostProfile?.trim() === localhostProfile)
    return [place.required("must be set when AppArmor type is Localhost")];
  return [
    ...(localhostProfile?.trim() === localhostProfile
      ? []
      : [place.invalid(localhostProfile, "must not be padded with whitespace")]),
    ...((localhostProfile?.length ?? 0) > longestProfile ? [place.tooLong(longestProfile)] : []),
  ];
}

const sysctlName = /^([a-z0-9]([-_a-z0-9]*[a-z0-9])?[./])*[a-z0-9]([-_a-z0-9]*[a-z0-9])?$/;
const sysctlMessage =
  "must have at most 253 characters and match regex ^([a-z0-9]([-_a-z0-9]*[a-z0-9])?[\\./])*[a-z0-9]([-_a-z0-9]*[a-z0-9])?$";

function validateSysctls(spec: PodSpec, at: Path): FieldError[] {
  const sysctls: readonly Sysctl[] = spec.securityContext?.sysctls ?? [];
  return sysctls.flatMap(({ name = "" }, i) => {
    const place = at.index(i).child("name");
    const errors: FieldError[] = [];
    if (!name) errors.push(place.required());
    else if (name.length > 253 || !sysctlName.test(name)) errors.push(place.invalid(name, sysctlMessage));
    else if (sysctls.findIndex((other) => other.name === name) < i) errors.push(place.duplicate(name));
    const dotted = name.replaceAll("/", ".");
    if (spec.hostNetwork && dotted.startsWith("net."))
      errors.push(place.invalid(name, "may not be specified when 'hostNetwork' is true"));
    else if (spec.hostIPC && /^(kernel\.(shm|msg)|kernel\.sem$|fs\.mqueue\.)/.test(dotted))
      errors.push(place.invalid(name, "may not be specified when 'hostIPC' is true"));
    return errors;
  });
}

/** With users of its own a pod shares no other namespace with the host. */
export function validateHostUsers(spec: PodSpec, at: Path): FieldError[] {
  if (spec.hostUsers !== false) return [];
  const why = "when `hostUsers` is false";
  return [
    ...(spec.hostNetwork ? [at.child("hostNetwork").forbidden(why)] : []),
    ...(spec.hostPID ? [at.child("HostPID").forbidden(why)] : []),
    ...(spec.hostIPC ? [at.child("HostIPC").forbidden(why)] : []),
    ...everyContainer(spec, at).flatMap(([{ volumeDevices }, place]) =>
      volumeDevices?.length ? [place.child("volumeDevices").forbidden(why)] : [],
    ),
  ];
}

/** A pod for one operating system says nothing that only another one knows. */
export function validateOsFields(spec: PodSpec, at: Path): FieldError[] {
  if (!spec.os) return [];
  const name = spec.os.name ?? "";
  if (!name) return [at.child("os", "name").required()];
  if (name === "windows") return validateWindowsPod(spec, at);
  if (name !== "linux") return [at.child("os").notSupported(name, ["linux", "windows"])];
  const contexts: [SecurityContext | PodSpec["securityContext"], Path][] = [
    [spec.securityContext, at.child("securityContext")],
    ...everySecurityContext(spec, at),
  ];
  return contexts.flatMap(([context, place]) =>
    context?.windowsOptions
      ? [place.child("windowsOptions").forbidden("windows options cannot be set for a linux pod")]
      : [],
  );
}

/** In the order in which Kubernetes names them; some are fields of the spec itself. */
const linuxOnlyOfPods = [
  "appArmorProfile",
  "seLinuxOptions",
  "hostUsers",
  "hostPID",
  "hostIPC",
  "seccompProfile",
  "fsGroup",
  "fsGroupChangePolicy",
  "sysctls",
  "shareProcessNamespace",
  "runAsUser",
  "runAsGroup",
  "supplementalGroups",
  "supplementalGroupsPolicy",
  "seLinuxChangePolicy",
] as const;
const linuxOnlyOfContainers = [
  "appArmorProfile",
  "seLinuxOptions",
  "seccompProfile",
  "capabilities",
  "readOnlyRootFilesystem",
  "privileged",
  "allowPrivilegeEscalation",
  "procMount",
  "runAsUser",
  "runAsGroup",
] as const;

function validateWindowsPod(spec: PodSpec, at: Path): FieldError[] {
  const why = "cannot be set for a windows pod";
  const context: Readonly<Record<string, unknown>> = { ...spec.securityContext };
  const own: Readonly<Record<string, unknown>> = { ...spec };
  const isSaid = (value: unknown) => value !== undefined && value !== null;
  return [
    ...linuxOnlyOfPods.flatMap((field) => {
      if (field === "hostPID" || field === "hostIPC") return own[field] ? [at.child(field).forbidden(why)] : [];
      if (field === "hostUsers" || field === "shareProcessNamespace")
        return isSaid(own[field]) ? [at.child(field).forbidden(why)] : [];
      return isSaid(context[field]) ? [at.child("securityContext", field).forbidden(why)] : [];
    }),
    ...everySecurityContext(spec, at).flatMap(([inner, place]) =>
      linuxOnlyOfContainers
        .filter((field) => inner?.[field] !== undefined)
        .map((field) => place.child(field).forbidden(why)),
    ),
  ];
}

/** The containers of a pod with their places. */
export function everyContainer(spec: PodSpec, at: Path): [Container, Path][] {
  return (["initContainers", "containers", "ephemeralContainers"] as const).flatMap((list) =>
    (spec[list] ?? []).map((container, i): [Container, Path] => [container, at.child(list).index(i)]),
  );
}

export function everySecurityContext(spec: PodSpec, at: Path): [SecurityContext | undefined, Path][] {
  return everyContainer(spec, at).map(([{ securityContext }, place]) => [
    securityContext,
    place.child("securityContext"),
  ]);
}
