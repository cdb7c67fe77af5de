import { isDeepStrictEqual } from "node:util";
import type { FieldError, Path } from "../field.ts";
import type { AppArmorProfile, Container, Pod, PodSpec, PodTemplateSpec, SeccompProfile } from "../schema/types.ts";
import { validateDescendingPath } from "./paths.ts";

/*
 * Profiles of AppArmor and seccomp were annotations before they were fields (Kubernetes docs, "Restrict a Container's
 * Access to Resources with AppArmor"). What the annotations say must be well formed still, and agree with the fields.
 */

type Annotations = Readonly<Record<string, string>>;

export const appArmorPrefix = "container.apparmor.security.beta.kubernetes.io/";
const seccompPod = "seccomp.security.alpha.kubernetes.io/pod";
const seccompPrefix = "container.seccomp.security.alpha.kubernetes.io/";
const localhost = "localhost/";
const isDefault = (value: string) => value === "runtime/default" || value === "docker/default";

const lists = ["initContainers", "containers", "ephemeralContainers"] as const;

/** A container that says nothing of its profile gets what the annotation says. */
export function adoptAppArmorAnnotations({ metadata, spec }: Pod, warn: (text: string) => void): void {
  if (spec.os?.name === "windows") return;
  for (const container of lists.flatMap((list) => spec[list] ?? [])) {
    const key = `${appArmorPrefix}${container.name}`;
    const annotation = metadata.annotations?.[key];
    if (annotation === undefined || container.securityContext?.appArmorProfile) continue;
    const profile = appArmorFrom(annotation);
    if (profile && isDeepStrictEqual(profile, spec.securityContext?.appArmorProfile)) continue;
    if (profile) container.securityContext = { ...container.securityContext, appArmorProfile: profile };
    warn(`metadata.annotations[${key}]: deprecated since v1.30; use the "appArmorProfile" field instead`);
  }
}

function appArmorFrom(annotation: string): AppArmorProfile | undefined {
  if (annotation === "unconfined") return { type: "Unconfined" };
  if (annotation === "runtime/default") return { type: "RuntimeDefault" };
  const name = annotation.startsWith(localhost) ? annotation.slice(localhost.length) : "";
  return name.trim() === name && name ? { type: "Localhost", localhostProfile: name } : undefined;
}

/** What is wrong with the annotations as they are. */
export function validateProfileAnnotations(annotations: Annotations, spec: PodSpec, at: Path): FieldError[] {
  const keys = Object.keys(annotations).sort();
  const names = new Set(lists.flatMap((list) => (spec[list] ?? []).map(({ name }) => name)));
  return [
    ...(annotations[seccompPod] === undefined ? [] : validateSeccomp(annotations[seccompPod], at.child(seccompPod))),
    ...keys
      .filter((key) => key.startsWith(seccompPrefix))
      .flatMap((key) => validateSeccomp(annotations[key] ?? "", at.child(key))),
    ...keys
      .filter((key) => key.startsWith(appArmorPrefix))
      .flatMap((key) => {
        const [container, profile] = [key.slice(appArmorPrefix.length), annotations[key] ?? ""];
        const known = ["", "runtime/default", "unconfined"].includes(profile) || profile.startsWith(localhost);
        return [
          ...(names.has(container) ? [] : [at.key(key).invalid(container, "container not found")]),
          ...(known ? [] : [at.key(key).invalid(profile, `invalid AppArmor profile name: ${JSON.stringify(profile)}`)]),
        ];
      }),
  ];
}

function validateSeccomp(profile: string, at: Path): FieldError[] {
  if (isDefault(profile) || profile === "unconfined") return [];
  if (profile.startsWith(localhost)) return validateDescendingPath(profile.slice(localhost.length), at);
  return [at.invalid(profile, "must be a valid seccomp profile")];
}

/** What is wrong where an annotation and a field both say something. `at`: the spec's place. */
export function validateProfilesAgree({ metadata, spec }: Partial<PodTemplateSpec>, at: Path): FieldError[] {
  const annotations = metadata?.annotations ?? {};
  if (!spec) return [];
  const containers = lists.flatMap((list) =>
    (spec[list] ?? []).map((container, i): [Container, Path] => [container, at.child(list).index(i)]),
  );
  const place = (path: Path, field: string) => path.child("securityContext", field);
  return [
    ...seccompDisagreement(annotations[seccompPod], spec.securityContext?.seccompProfile, place(at, "seccompProfile")),
    ...containers.flatMap(([{ name, securityContext }, path]) =>
      seccompDisagreement(
        annotations[`${seccompPrefix}${name}`],
        securityContext?.seccompProfile,
        place(path, "seccompProfile"),
      ),
    ),
    ...(spec.os?.name === "windows" ? [] : containers).flatMap(([{ name, securityContext }, path]) =>
      disagreement(
        annotations[`${appArmorPrefix}${name}`],
        securityContext?.appArmorProfile ?? spec.securityContext?.appArmorProfile,
        { word: "apparmor", isDefault: (value) => value === "runtime/default" },
        place(path, "appArmorProfile"),
      ),
    ),
  ];
}

function seccompDisagreement(annotation: string | undefined, profile: SeccompProfile | undefined, at: Path) {
  return disagreement(annotation, profile, { word: "seccomp", isDefault }, at);
}

function disagreement(
  annotation: string | undefined,
  profile: AppArmorProfile | SeccompProfile | undefined,
  { word, isDefault }: { word: string; isDefault: (value: string) => boolean },
  at: Path,
): FieldError[] {
  if (annotation === undefined || !profile) return [];
  const otherType = at.child("type").forbidden(`${word} type in annotation and field must match`);
  switch (profile.type) {
    case "Unconfined":
      return annotation === "unconfined" ? [] : [otherType];
    case "RuntimeDefault":
      return isDefault(annotation) ? [] : [otherType];
    case "Localhost":
      if (!annotation.startsWith(localhost)) return [otherType];
      return annotation.slice(localhost.length) === profile.localhostProfile
        ? []
        : [at.child("localhostProfile").forbidden(`${word} profile in annotation and field must match`)];
    default:
      return [];
  }
}
