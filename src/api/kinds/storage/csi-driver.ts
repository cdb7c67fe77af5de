import { isDeepStrictEqual } from "node:util";
import { ageColumn, nameColumn } from "../../columns.ts";
import type { FieldError, Path } from "../../field.ts";
import { defineKind } from "../../kind.ts";
import type { CSIDriver, CSIDriverSpec } from "../../schema/types.ts";
import { validateOneOf } from "../../validate/values.ts";

const leastTokenSeconds = 600;
const mostTokenSeconds = 2 ** 32;
const leastUpdateSeconds = 10;

export const csiDriver = defineKind<CSIDriver>({
  group: "storage.k8s.io",
  version: "v1",
  kind: "CSIDriver",
  plural: "csidrivers",
  scope: "Cluster",
  trustsOldMetadata: true,
  deletion: { answersObject: true },
  unconditionalUpdate: false,
  columns: [
    nameColumn,
    { name: "AttachRequired", type: "boolean", cell: ({ spec }) => spec.attachRequired ?? true },
    { name: "PodInfoOnMount", type: "boolean", cell: ({ spec }) => spec.podInfoOnMount ?? false },
    { name: "StorageCapacity", type: "boolean", cell: ({ spec }) => spec.storageCapacity ?? false },
    {
      name: "TokenRequests",
      type: "string",
      cell: ({ spec }) => (spec.tokenRequests ?? []).map(({ audience }) => audience).join(",") || "<unset>",
    },
    { name: "RequiresRepublish", type: "boolean", cell: ({ spec }) => spec.requiresRepublish ?? false },
    { name: "Modes", type: "string", cell: ({ spec }) => (spec.volumeLifecycleModes ?? []).join(",") || "<none>" },
    ageColumn,
  ],

  defaults(driver) {
    driver.spec ??= {};
    const { spec } = driver;
    spec.attachRequired ??= true;
    spec.podInfoOnMount ??= false;
    spec.storageCapacity ??= false;
    spec.fsGroupPolicy ??= "ReadWriteOnceWithFSType";
    if (!spec.volumeLifecycleModes?.length) spec.volumeLifecycleModes = ["Persistent"];
    spec.requiresRepublish ??= false;
    spec.seLinuxMount ??= false;
  },

  validate({ spec }, root) {
    const at = root.child("spec");
    const { fsGroupPolicy, volumeLifecycleModes = [], nodeAllocatableUpdatePeriodSeconds: period } = spec;
    return [
      ...validateOneOf(fsGroupPolicy, ["File", "None", "ReadWriteOnceWithFSType"], at.child("fsGroupPolicy")),
      ...validateTokenRequests(spec, at.child("tokenRequests")),
      ...volumeLifecycleModes.flatMap((mode) =>
        validateOneOf(mode, ["Persistent", "Ephemeral"], at.child("volumeLifecycleModes")),
      ),
      ...(period !== undefined && period < leastUpdateSeconds
        ? [
            at
              .child("nodeAllocatableUpdatePeriodSeconds")
              .invalid(period, `must be greater than or equal to ${leastUpdateSeconds} seconds`),
          ]
        : []),
      ...(spec.serviceAccountTokenInSecrets !== undefined && !spec.tokenRequests?.length
        ? [
            at
              .child("serviceAccountTokenInSecrets")
              .invalid(
                spec.serviceAccountTokenInSecrets,
                "serviceAccountTokenInSecrets is set but no tokenRequests are specified",
              ),
          ]
        : []),
    ];
  },

  validateUpdate({ spec }, old, root) {
    const at = root.child("spec");
    const modes = spec.volumeLifecycleModes;
    return [
      ...(spec.attachRequired === old.spec.attachRequired
        ? []
        : [at.child("attachedRequired").invalid(spec.attachRequired, "field is immutable")]),
      ...(isDeepStrictEqual(modes, old.spec.volumeLifecycleModes)
        ? []
        : [at.child("volumeLifecycleModes").invalid(modes, "field is immutable")]),
    ];
  },

  warnings: ({ spec }, old) =>
    leaksTokens(spec) && !(old && leaksTokens(old.spec))
      ? [
          "spec.serviceAccountTokenInSecrets is unset; if supported by this CSI driver, set to true to prevent possible logging of tokens in volume attributes",
        ]
      : [],
});

/** Whether tokens go where drivers might log them. */
function leaksTokens({ tokenRequests, serviceAccountTokenInSecrets }: CSIDriverSpec): boolean {
  return Boolean(tokenRequests?.length) && serviceAccountTokenInSecrets === undefined;
}

function validateTokenRequests({ tokenRequests = [] }: CSIDriverSpec, at: Path): FieldError[] {
  const audiences = tokenRequests.map(({ audience }) => audience);
  return tokenRequests.flatMap(({ audience, expirationSeconds: seconds }, i) => {
    const place = at.index(i);
    const expiry = place.child("expirationSeconds");
    if (audiences.indexOf(audience) < i) return [place.child("audience").duplicate(audience)];
    const errors: FieldError[] = [];
    if (seconds !== undefined && seconds < leastTokenSeconds)
      errors.push(expiry.invalid(seconds, "may not specify a duration less than 10 minutes"));
    if (seconds !== undefined && seconds > mostTokenSeconds)
      errors.push(expiry.invalid(seconds, "may not specify a duration larger than 2^32 seconds"));
    return errors;
  });
}
