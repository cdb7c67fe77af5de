import type { FieldError, Path } from "../field.ts";
import { canonicalQuantity } from "../quantity.ts";
import type {
  EnvFromSource,
  EnvVar,
  EnvVarSource,
  FileKeySelector,
  ObjectFieldSelector,
  ResourceFieldSelector,
} from "../schema/types.ts";
import { asPrefix, configMapKey, dnsLabel, dnsSubdomain, envName, qualifiedName } from "./names.ts";
import { validateLocalPath } from "./paths.ts";
import { validateText } from "./values.ts";

/* Kubernetes docs, "Expose Pod Information to Containers Through Environment Variables". */

const sources = ["fieldRef", "resourceFieldRef", "configMapKeyRef", "secretKeyRef", "fileKeyRef"] as const;

export function validateEnv(variables: readonly EnvVar[], at: Path): FieldError[] {
  return variables.flatMap((variable, i) => {
    const place = at.index(i);
    const { name, valueFrom } = variable;
    return [
      ...(name ? validateText(envName, name, place.child("name")) : [place.child("name").required()]),
      ...(valueFrom ? validateValueFrom(valueFrom, variable.value ?? "", place.child("valueFrom")) : []),
    ];
  });
}

function validateValueFrom(source: EnvVarSource, value: string, at: Path): FieldError[] {
  const { fieldRef, resourceFieldRef, configMapKeyRef, secretKeyRef, fileKeyRef } = source;
  const count = sources.filter((name) => source[name]).length;
  const errors = [
    ...(fieldRef ? validateFieldRef(fieldRef, envFields, at.child("fieldRef")) : []),
    ...(resourceFieldRef ? validateResourceRef(resourceFieldRef, { named: false }, at.child("resourceFieldRef")) : []),
    ...(configMapKeyRef ? validateKeyRef(configMapKeyRef, at.child("configMapKeyRef")) : []),
    ...(secretKeyRef ? validateKeyRef(secretKeyRef, at.child("secretKeyRef")) : []),
    ...(fileKeyRef ? validateFileRef(fileKeyRef, at.child("fileKeyRef")) : []),
  ];
  const known = sources.map((name) => `\`${name}\``);
  if (count === 0)
    errors.push(at.invalid("", `must specify one of: ${known.slice(0, -1).join(", ")} or ${known.at(-1)}`));
  else if (value) errors.push(at.invalid("", "may not be specified when `value` is not empty"));
  else if (count > 1) errors.push(at.invalid("", "may not have more than one field specified at a time"));
  return errors;
}

export function validateEnvFrom(list: readonly EnvFromSource[], at: Path): FieldError[] {
  return list.flatMap(({ prefix, configMapRef, secretRef }, i) => {
    const place = at.index(i);
    const errors = prefix ? validateText(envName, prefix, place.child("prefix")) : [];
    for (const [name, source] of Object.entries({ configMapRef, secretRef })) {
      if (!source) continue;
      const field = place.child(name, "name");
      errors.push(...(source.name ? validateText(asPrefix(dnsSubdomain), source.name, field) : [field.required()]));
    }
    if (!configMapRef && !secretRef) errors.push(at.invalid("", "must specify one of: `configMapRef` or `secretRef`"));
    else if (configMapRef && secretRef)
      errors.push(at.invalid("", "may not have more than one field specified at a time"));
    return errors;
  });
}

const envFields = [
  "metadata.name",
  "metadata.namespace",
  "metadata.uid",
  "spec.nodeName",
  "spec.serviceAccountName",
  "status.hostIP",
  "status.hostIPs",
  "status.podIP",
  "status.podIPs",
];
/** What a pod says of itself in files. */
export const fileFields = [
  "metadata.annotations",
  "metadata.labels",
  "metadata.name",
  "metadata.namespace",
  "metadata.uid",
];
const knownFields = new Set([...envFields, ...fileFields, "spec.restartPolicy", "spec.schedulerName", "status.phase"]);
/** Names that fields had once, and have still for those who use them. */
const formerNames: Readonly<Record<string, string>> = { "spec.host": "spec.nodeName" };

export function validateFieldRef(
  { apiVersion, fieldPath = "" }: Partial<ObjectFieldSelector>,
  allowed: readonly string[],
  at: Path,
): FieldError[] {
  if (!apiVersion) return [at.child("apiVersion").required()];
  const place = at.child("fieldPath");
  if (!fieldPath) return [place.required()];
  const fault = (why: string) => [place.invalid(fieldPath, `error converting fieldPath: ${why}`)];
  if (apiVersion !== "v1") return fault(`unsupported pod version: ${apiVersion}`);
  const subscripted = /^(.+?)\['(.*)'\]$/.exec(fieldPath);
  if (subscripted) {
    const [, map, key = ""] = subscripted;
    if (map !== "metadata.annotations" && map !== "metadata.labels")
      return fault(`field label does not support subscript: ${fieldPath}`);
    return validateText(qualifiedName, map === "metadata.annotations" ? key.toLowerCase() : key, at);
  }
  const path = formerNames[fieldPath] ?? fieldPath;
  if (!knownFields.has(path)) return fault(`field label not supported: ${fieldPath}`);
  return allowed.includes(path) ? [] : [place.notSupported(path, allowed)];
}

const resourceFields = [
  "limits.cpu",
  "limits.ephemeral-storage",
  "limits.memory",
  "requests.cpu",
  "requests.ephemeral-storage",
  "requests.memory",
];
const byteDivisors = ["1", "1k", "1M", "1G", "1T", "1P", "1E", "1Ki", "1Mi", "1Gi", "1Ti", "1Pi", "1Ei"];

/** `named`: outside of a container the container must be said. */
export function validateResourceRef(
  { containerName, resource, divisor = "0" }: ResourceFieldSelector,
  { named }: { named: boolean },
  at: Path,
): FieldError[] {
  const errors: FieldError[] = [];
  if (named && !containerName) errors.push(at.child("containerName").required());
  else if (!resource) errors.push(at.child("resource").required());
  else if (!resourceFields.includes(resource) && !/^(requests|limits)\.hugepages-/.test(resource))
    errors.push(at.child("resource").notSupported(resource, resourceFields));
  const unit = canonicalQuantity(divisor);
  if (unit === "0" || !resource) return errors;
  const of = resource.slice(resource.indexOf(".") + 1);
  const words = { cpu: "cpu", memory: "memory", "ephemeral-storage": "local ephemeral storage" } as const;
  const word = of.startsWith("hugepages-") ? "hugepages" : words[of as keyof typeof words];
  const valid = of === "cpu" ? ["1m", "1"] : byteDivisors;
  if (word && !valid.includes(unit)) {
    const list = of === "cpu" ? "1m and 1" : valid.join(", ");
    errors.push(
      at.child("divisor").invalid(resource, `only divisor's values ${list} are supported with the ${word} resource`),
    );
  }
  return errors;
}

function validateKeyRef({ name = "", key = "" }: { name?: string; key?: string }, at: Path): FieldError[] {
  return [
    ...validateText(dnsSubdomain, name, at.child("name")),
    ...(key ? validateText(configMapKey, key, at.child("key")) : [at.child("key").required()]),
  ];
}

function validateFileRef({ volumeName, path, key }: FileKeySelector, at: Path): FieldError[] {
  return [
    ...(volumeName ? validateText(dnsLabel, volumeName, at.child("volumeName")) : [at.child("volumeName").required()]),
    ...(path ? validateLocalPath(path, at.child("path")) : [at.child("path").required()]),
    ...(key ? validateText(envName, key, at.child("key")) : [at.child("key").required()]),
  ];
}
