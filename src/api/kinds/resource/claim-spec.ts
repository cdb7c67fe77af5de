import { compileDeviceSelector } from "../../cel/device.ts";
import { CompileError } from "../../cel/expression.ts";
import type { FieldError, Path } from "../../field.ts";
import type {
  DeviceConstraint,
  DeviceRequest,
  DeviceSelector,
  DeviceSubRequest,
  ExactDeviceRequest,
  ResourceClaimSpec,
} from "../../schema/types.ts";
import { dnsLabel, dnsSubdomain } from "../../validate/names.ts";
import { validateOneOf, validateText } from "../../validate/values.ts";
import {
  validateFullAttributeName,
  validateLabelText,
  validateList,
  validateOpaque,
  validateToleration,
} from "./device-parts.ts";

/** What a ResourceClaim asks for, in a claim of its own and in templates. */

const mostItems = 32;
const mostAlternatives = 8;
const longestExpression = 10 * 1024;

export function setClaimDefaults(spec: ResourceClaimSpec | undefined): void {
  for (const { exactly, firstAvailable } of spec?.devices?.requests ?? [])
    for (const request of [...(exactly ? [exactly] : []), ...(firstAvailable ?? [])]) {
      request.allocationMode ??= "ExactCount";
      if (request.allocationMode === "ExactCount") request.count ??= 1;
      for (const toleration of request.tolerations ?? []) toleration.operator ??= "Equal";
    }
}

export function validateClaimSpec(spec: ResourceClaimSpec | undefined, at: Path): FieldError[] {
  const { requests = [], constraints, config } = spec?.devices ?? {};
  const place = at.child("devices");
  const known = requestNames(spec);
  return [
    ...validateList(requests, place.child("requests"), {
      max: mostItems,
      each: validateRequest,
      key: ({ name }) => name,
    }),
    ...validateList(constraints, place.child("constraints"), {
      max: mostItems,
      each: (constraint, where) => validateConstraint(constraint, where, known),
    }),
    ...validateList(config, place.child("config"), {
      max: mostItems,
      each: ({ requests: named, opaque }, where) => [
        ...validateRequestNames(named, where.child("requests"), known),
        ...validateOpaque(opaque, where.child("opaque")),
      ],
    }),
  ];
}

/** By which names a claim's requests, and the alternatives inside them, are spoken of. */
export function requestNames(spec: ResourceClaimSpec | undefined): ReadonlySet<string> {
  return new Set(
    (spec?.devices?.requests ?? []).flatMap(({ name, firstAvailable = [] }) => [
      name,
      ...firstAvailable.map((alternative) => `${name}/${alternative.name}`),
    ]),
  );
}

function validateRequest({ name, exactly, firstAvailable = [] }: DeviceRequest, at: Path): FieldError[] {
  const one = "exactly one of `exactly` or `firstAvailable` is required";
  const errors = validateLabelText(name, at.child("name"));
  if (exactly && firstAvailable.length > 0) errors.push(at.invalid(null, `${one}, but multiple fields are set`));
  else if (!exactly && firstAvailable.length === 0) errors.push(at.required(one));
  else if (exactly) errors.push(...validateAsked(exactly, at.child("exactly")));
  else
    errors.push(
      ...validateList(firstAvailable, at.child("firstAvailable"), {
        max: mostAlternatives,
        each: (alternative, where) => [
          ...validateLabelText(alternative.name, where.child("name")),
          ...validateAsked(alternative, where),
        ],
        key: (alternative) => alternative.name,
      }),
    );
  return errors;
}

function validateAsked(request: ExactDeviceRequest | DeviceSubRequest, at: Path): FieldError[] {
  const { deviceClassName = "", selectors = [], allocationMode, count = 0, tolerations } = request;
  const errors = deviceClassName
    ? validateText(dnsSubdomain, deviceClassName, at.child("deviceClassName"))
    : [at.child("deviceClassName").required()];
  errors.push(...validateSelectors(selectors, at.child("selectors")));
  if (allocationMode === "All" && count !== 0)
    errors.push(at.child("count").invalid(count, "must not be specified when allocationMode is 'All'"));
  else if (allocationMode === "ExactCount" && count <= 0)
    errors.push(at.child("count").invalid(count, "must be greater than zero"));
  else errors.push(...validateOneOf(allocationMode, ["All", "ExactCount"], at.child("allocationMode")));
  return [...errors, ...validateList(tolerations, at.child("tolerations"), { each: validateToleration })];
}

export function validateSelectors(selectors: readonly DeviceSelector[], at: Path): FieldError[] {
  return validateList(selectors, at, { max: mostItems, each: validateSelector });
}

function validateSelector({ cel }: DeviceSelector, at: Path): FieldError[] {
  const place = at.child("cel", "expression");
  if (!cel) return [at.child("cel").required()];
  if (!cel.expression) return [place.required()];
  if (Buffer.byteLength(cel.expression) > longestExpression) return [place.tooLong(longestExpression)];
  try {
    compileDeviceSelector(cel.expression);
    return [];
  } catch (error) {
    if (error instanceof CompileError) return [place.invalid(cel.expression, error.message)];
    throw error;
  }
}

/** Requests that something is said about. */
export function validateRequestNames(
  names: readonly string[] | undefined,
  at: Path,
  known: ReadonlySet<string>,
): FieldError[] {
  return validateList(names, at, {
    max: mostItems,
    each: (name, where) => validateRequestName(name, where, known),
    key: (name) => name,
  });
}

export function validateRequestName(name: string, at: Path, known: ReadonlySet<string>): FieldError[] {
  const unknown = at.invalid(
    name,
    "must be the name of a request in the claim or the name of a request and a subrequest separated by '/'",
  );
  const parts = name.split("/");
  if (parts.length > 2) return [unknown];
  return [...parts.flatMap((part) => validateText(dnsLabel, part, at)), ...(known.has(name) ? [] : [unknown])];
}

function validateConstraint(
  { requests, matchAttribute, distinctAttribute }: DeviceConstraint,
  at: Path,
  known: ReadonlySet<string>,
): FieldError[] {
  const errors = validateRequestNames(requests, at.child("requests"), known);
  if (matchAttribute !== undefined)
    return [...errors, ...validateFullAttributeName(matchAttribute, at.child("matchAttribute"))];
  if (distinctAttribute !== undefined)
    return [...errors, ...validateFullAttributeName(distinctAttribute, at.child("distinctAttribute"))];
  return [
    ...errors,
    at.required('exactly one of "matchAttribute" or "distinctAttribute" is required, but multiple fields are set'),
  ];
}

/** How errors show a claim's spec. */
export function shownClaimSpec(spec: ResourceClaimSpec | undefined): object {
  const { requests, constraints, config } = spec?.devices ?? {};
  return {
    Devices: {
      Requests: requests?.map(shownRequest) ?? null,
      Constraints: constraints ?? null,
      Config: config ?? null,
    },
  };
}

function shownRequest({ name, exactly, firstAvailable }: DeviceRequest): object {
  return {
    Name: name,
    Exactly: exactly
      ? {
          DeviceClassName: exactly.deviceClassName,
          Selectors:
            exactly.selectors?.map(({ cel }) => ({ CEL: cel ? { Expression: cel.expression } : null })) ?? null,
          AllocationMode: exactly.allocationMode ?? "",
          Count: exactly.count ?? 0,
          AdminAccess: exactly.adminAccess ?? null,
          Tolerations: exactly.tolerations ?? null,
          Capacity: exactly.capacity ?? null,
        }
      : null,
    FirstAvailable: firstAvailable ?? null,
  };
}
