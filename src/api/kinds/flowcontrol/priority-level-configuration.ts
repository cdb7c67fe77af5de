import { ageColumn, nameColumn } from "../../columns.ts";
import type { FieldError, Path } from "../../field.ts";
import { type Column, defineKind, statusAlone } from "../../kind.ts";
import type {
  ExemptPriorityLevelConfiguration,
  LimitedPriorityLevelConfiguration,
  LimitResponse,
  PriorityLevelConfiguration,
  PriorityLevelConfigurationSpec,
  QueuingConfiguration,
} from "../../schema/types.ts";
import { validateFlowConditions } from "./flow-rules.ts";
import { validateFixedLevel } from "./mandatory.ts";

const exempt = "exempt";
const mostQueues = 10_000_000;
const hashBits = 60;

export const priorityLevelConfiguration = defineKind<PriorityLevelConfiguration>({
  group: "flowcontrol.apiserver.k8s.io",
  version: "v1",
  kind: "PriorityLevelConfiguration",
  plural: "prioritylevelconfigurations",
  scope: "Cluster",
  subresources: { status: statusAlone },
  generation: true,
  columns: [
    nameColumn,
    { name: "Type", type: "string", cell: ({ spec }) => spec?.type ?? "" },
    {
      name: "NominalConcurrencyShares",
      type: "string",
      cell: ({ spec }) => spec?.limited?.nominalConcurrencyShares ?? "<none>",
    },
    queuingColumn("Queues", "queues"),
    queuingColumn("HandSize", "handSize"),
    queuingColumn("QueueLengthLimit", "queueLengthLimit"),
    ageColumn,
  ],

  defaults({ spec }) {
    if (spec?.exempt) {
      spec.exempt.nominalConcurrencyShares ??= 0;
      spec.exempt.lendablePercent ??= 0;
    }
    if (!spec?.limited) return;
    spec.limited.nominalConcurrencyShares ??= 30;
    spec.limited.lendablePercent ??= 0;
    const queuing = spec.limited.limitResponse?.queuing;
    if (!queuing) return;
    queuing.handSize ||= 8;
    queuing.queues ||= 64;
    queuing.queueLengthLimit ||= 50;
  },

  validate({ metadata: { name }, spec = { type: "" }, status }, root) {
    const at = root.child("spec");
    return [
      ...((name === exempt) !== (spec.type === "Exempt")
        ? [at.child("type").invalid(spec.type ?? "", "must be 'Exempt' if and only if `name` is 'exempt'")]
        : []),
      ...validateType(spec, at),
      ...validateFixedLevel(name, spec, at),
      ...validateFlowConditions(status?.conditions ?? [], root.child("status", "conditions")),
    ];
  },

  validateSubresource: (_subresource, { status }, _old, root) =>
    validateFlowConditions(status?.conditions ?? [], root.child("status", "conditions")),
});

function validateType(
  { type = "", limited, exempt: exempted }: PriorityLevelConfigurationSpec,
  at: Path,
): FieldError[] {
  switch (type) {
    case "Exempt":
      return [
        ...(limited ? [at.child("limited").forbidden("must be nil if the type is not Limited")] : []),
        ...(exempted ? validateShares(exempted, at.child("exempt")) : []),
      ];
    case "Limited":
      return [
        ...(exempted ? [at.child("exempt").forbidden("must be nil if the type is Limited")] : []),
        ...(limited
          ? validateLimited(limited, at.child("limited"))
          : [at.child("limited").required("must not be empty when type is Limited")]),
      ];
    default:
      return [at.child("type").notSupported(type, ["Exempt", "Limited"])];
  }
}

function validateShares(
  { nominalConcurrencyShares: shares, lendablePercent }: ExemptPriorityLevelConfiguration,
  at: Path,
): FieldError[] {
  return [
    ...((shares ?? 0) < 0
      ? [at.child("nominalConcurrencyShares").invalid(shares, "must be a non-negative integer")]
      : []),
    ...validatePercent(lendablePercent, at.child("lendablePercent")),
  ];
}

function validatePercent(percent: number | undefined, at: Path): FieldError[] {
  return percent !== undefined && (percent < 0 || percent > 100)
    ? [at.invalid(percent, "must be between 0 and 100, inclusive")]
    : [];
}

function queuingColumn(name: string, field: keyof QueuingConfiguration): Column<PriorityLevelConfiguration> {
  return { name, type: "string", cell: ({ spec }) => spec?.limited?.limitResponse?.queuing?.[field] ?? "<none>" };
}

function validateLimited(limited: LimitedPriorityLevelConfiguration, at: Path): FieldError[] {
  const { nominalConcurrencyShares: shares = 0, lendablePercent: lent, borrowingLimitPercent: borrowed } = limited;
  return [
    ...(shares < 0 ? [at.child("nominalConcurrencyShares").invalid(shares, "must be a non-negative integer")] : []),
    ...validateResponse(limited.limitResponse, at.child("limitResponse")),
    ...validatePercent(lent, at.child("lendablePercent")),
    ...(borrowed !== undefined && borrowed < 0
      ? [at.child("borrowingLimitPercent").invalid(borrowed, "if specified, must be a non-negative integer")]
      : []),
  ];
}

function validateResponse(response: LimitResponse | undefined, at: Path): FieldError[] {
  const { type = "", queuing } = response ?? {};
  const place = at.child("queuing");
  switch (type) {
    case "Reject":
      return queuing ? [place.forbidden("must be nil if limited.limitResponse.type is not Limited")] : [];
    case "Queue":
      return queuing
        ? validateQueuing(queuing, place)
        : [place.required("must not be empty if limited.limitResponse.type is Limited")];
    default:
      return [at.child("type").notSupported(type, ["Queue", "Reject"])];
  }
}

function validateQueuing(
  { queues = 0, handSize = 0, queueLengthLimit = 0 }: QueuingConfiguration,
  at: Path,
): FieldError[] {
  const errors: FieldError[] = [];
  if (queueLengthLimit <= 0) errors.push(at.child("queueLengthLimit").invalid(queueLengthLimit, "must be positive"));
  if (queues <= 0) errors.push(at.child("queues").invalid(queues, "must be positive"));
  else if (queues > mostQueues)
    errors.push(at.child("queues").invalid(queues, `must not be greater than ${mostQueues}`));
  if (handSize <= 0) errors.push(at.child("handSize").invalid(handSize, "must be positive"));
  else if (handSize > queues)
    errors.push(at.child("handSize").invalid(handSize, `should not be greater than queues (${queues})`));
  else if (Math.ceil(Math.log2(queues) * handSize) > hashBits)
    errors.push(
      at
        .child("handSize")
        .invalid(
          handSize,
          `required entropy bits of deckSize ${queues} and handSize ${handSize} should not be greater than ${hashBits}`,
        ),
    );
  return errors;
}
