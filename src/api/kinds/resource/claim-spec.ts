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

/** What a ResourceClaim asks for, in a claim of its own and in templates. */

const maxRequests = 32;
const maxSelectors = 32;
const maxSubRequests = 8;

export function setClaimDefaults(spec: ResourceClaimSpec | undefined): void {
  for (const { exactly, firstAvailable } of spec?.devices?.requests ?? [])
    for (const request of [...(exactly ? [exactly] : []), ...(firstAvailable ?? [])]) {
      request.allocationMode ??= "ExactCount";
      if (request.allocationMode === "ExactCount") request.count ??= 1;
      for (const toleration of request.tolerations ?? []) toleration.operator ??= "Equal";
    }
}

export function validateClaimSpec(spec: ResourceClaimSpec | undefined, at: Path): FieldError[] {
  const { constraints = [] } = spec?.devices ?? {};
  const requests = spec?.devices?.requests ?? [];
  const place = at.child("devices", "requests");
  const names = requests.map(({ name }) => name);
  const known = new Set(
    requests.flatMap(({ name, firstAvailable = [] }) => [name, ...firstAvailable.map((sub) => `${name}/${sub.name}`)]),
  );
  if (requests.length > maxRequests) return [place.tooMany(requests.length, maxRequests)];
  return [
    ...requests.flatMap((request, i) => [
      ...validateRequest(request, place.index(i)),
      ...(names.indexOf(request.name) < i ? [place.index(i).duplicate(request.name)] : []),
    ]),
    ...constraints.flatMap((constraint, i) =>
      validateConstraint(constraint, known, at.child("devices", "constraints").index(i)),
    ),
  ];
}

function validateRequest({ name = "", exactly, firstAvailable = [] }: DeviceRequest, at: Path): FieldError[] {
  const one = "exactly one of `exactly` or `firstAvailable` is required";
  const errors = name ? validateText(dnsLabel, name, at.child("name")) : [at.child("name").required()];
  if (exactly && firstAvailable.length > 0) errors.push(at.invalid(null, `${one}, but multiple fields are set`));
  else if (!exactly && firstAvailable.length === 0) errors.push(at.required(one));
  else if (exactly) errors.push(...validateAsked(exactly, at.child("exactly")));
  else errors.push(...validateAlternatives(firstAvailable, at.child("firstAvailable")));
  return errors;
}

function validateAlternatives(alternatives: readonly DeviceSubRequest[], at: Path): FieldError[] {
  if (alternatives.length > maxSubRequests) return [at.tooMany(alternatives.length, maxSubRequests)];
  const names = alternatives.map(({ name }) => name);
  return alternatives.flatMap((alternative, i) => [
    ...(alternative.name
      ? validateText(dnsLabel, alternative.name, at.index(i).child("name"))
      : [at.index(i).child("name").required()]),
    ...validateAsked(alternative, at.index(i)),
    ...(names.indexOf(alternative.name) < i ? [at.index(i).duplicate(alternative.name)] : []),
  ]);
}

function validateAsked(request: ExactDeviceRequest | DeviceSubRequest, at: Path): FieldError[] {
  const { deviceClassName = "", selectors = [], allocationMode, count = 0 } = request;
  const errors = deviceClassName
    ? validateText(dnsSubdomain, deviceClassName, at.child("deviceClassName"))
    : [at.child("deviceClassName").required()];
  errors.push(...validateSelectors(selectors, at.child("selectors")));
  if (allocationMode === "All" && count !== 0)
    errors.push(at.child("count").invalid(count, "must not be specified when allocationMode is 'All'"));
  else if (allocationMode === "ExactCount" && count <= 0)
    errors.push(at.child("count").invalid(count, "must be greater than zero"));
  else errors.push(...validateOneOf(allocationMode, ["All", "ExactCount"], at.child("allocationMode")));
  return errors;
}

export function validateSelectors(selectors: readonly DeviceSelector[], at: Path): FieldError[] {
  if (selectors.length > maxSelectors) return [at.tooMany(selectors.length, maxSelectors)];
  return selectors.flatMap(({ cel }, i) => {
    const place = at.index(i).child("cel");
    if (!cel) return [place.required()];
    if (!cel.expression) return [place.child("expression").required()];
    try {
      compileDeviceSelector(cel.expression);
      return [];
    } catch (error) {
      if (error instanceof CompileError) return [place.child("expression").invalid(cel.expression, error.message)];
      throw error;
    }
  });
}

function validateConstraint(
  { requests = [], matchAttribute }: DeviceConstraint,
  known: ReadonlySet<string>,
  at: Path,
): FieldError[] {
  return [
    ...requests.flatMap((request, i) =>
      known.has(request)
        ? []
        : [
            at
              .child("requests")
              .index(i)
              .invalid(
                request,
                "must be the name of a request in the claim or the name of a request and a subrequest separated by '/'",
              ),
          ],
    ),
    ...(matchAttribute === undefined ? [at.child("matchAttribute").required()] : []),
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
