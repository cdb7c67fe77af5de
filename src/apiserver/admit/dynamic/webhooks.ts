import { isEvaluationError } from "../../../api/cel/expression.ts";
import { mutatingWebhookConfiguration } from "../../../api/kinds/admissionregistration/mutating-webhook-configuration.ts";
import { validatingWebhookConfiguration } from "../../../api/kinds/admissionregistration/validating-webhook-configuration.ts";
import { jsonPatch } from "../../../api/patch/json.ts";
import { forbidden, internalError } from "../../../api/status.ts";
import type { AdmissionStep, Review } from "../admission.ts";
import type { AdmissionSurroundings } from "../all.ts";
import { changeObject } from "./change.ts";
import { conditionsHold, scopeOf, valuesOf } from "./conditions.ts";
import { Followed } from "./followed.ts";
import { isExempt, matched, type SeenAs } from "./match.ts";
import type { Phase } from "./review.ts";
import { ask, type Webhook, webhooksOf } from "./webhook.ts";

/**
 * Asks the webhooks that are configured (Kubernetes docs, "Dynamic Admission Control"): those that change objects one after the
 * other, those that only judge them all at once.
 */
export function webhooks(surroundings: AdmissionSurroundings): AdmissionStep & Disposable {
  const { webhooks: client } = surroundings;
  const mutating = new Followed(surroundings, mutatingWebhookConfiguration, webhooksOf);
  const validating = new Followed(surroundings, validatingWebhookConfiguration, webhooksOf);
  /** What each webhook that wants to be asked again has last seen of an object. */
  const rounds = new WeakMap<Review, Round>();

  return {
    name: "MutatingAdmissionWebhook",
    judgesParts: true,

    async mutate(review) {
      const all = mutating.all.flat();
      if (all.length === 0 || isExempt(review)) return;
      const before = rounds.get(review);
      const round: Round = before ?? { seen: new Map(), hasChanged: false };
      rounds.set(review, round);
      for (const webhook of all) {
        if (before && (before.seen.get(webhook.id) ?? textOf(review)) === textOf(review)) continue;
        const seen = wanted(webhook, review, "mutate", surroundings);
        if (!seen) continue;
        const answer = await ask(client, webhook, { review, seen, phase: "mutate" });
        if (answer?.patch !== undefined)
          round.hasChanged = applyTo(review, answer.patch, seen, webhook) || round.hasChanged;
        if (webhook.webhook.reinvocationPolicy === "IfNeeded") round.seen.set(webhook.id, textOf(review));
      }
    },

    // What a webhook has changed, the server's own steps and other webhooks may want to complete.
    reinvokes: (review) => rounds.get(review)?.hasChanged ?? false,

    async validate(review) {
      const all = validating.all.flat();
      if (all.length === 0 || isExempt(review)) return;
      const asked = all.flatMap((webhook) => {
        const seen = wanted(webhook, review, "validate", surroundings);
        return seen ? [ask(client, webhook, { review, seen, phase: "validate" })] : [];
      });
      const outcomes = await Promise.allSettled(asked);
      for (const outcome of outcomes) if (outcome.status === "rejected") throw outcome.reason;
    },

    [Symbol.dispose]() {
      mutating[Symbol.dispose]();
      validating[Symbol.dispose]();
    },
  };
}

interface Round {
  readonly seen: Map<string, string>;
  hasChanged: boolean;
}

function textOf({ object }: Review): string {
  return JSON.stringify(object ?? null);
}

/** How a request is shown to a webhook; undefined: it is not asked about it. */
function wanted(
  { webhook, matching, conditions }: Webhook,
  review: Review,
  phase: Phase,
  { store, authorizer, registry }: AdmissionSurroundings,
): SeenAs | undefined {
  const seen = matched(review, matching, { store, catalog: registry().catalog });
  if (!seen || conditions.length === 0) return seen;
  const values = valuesOf(review, seen, { phase, authorizer });
  try {
    return conditionsHold(conditions, scopeOf(values)) ? seen : undefined;
  } catch (error) {
    if (!isEvaluationError(error)) throw error;
    if (webhook.failurePolicy === "Ignore") return undefined;
    throw forbidden(review.call.resource.name, review.call.name ?? "", error.message);
  }
}

/** Changes the object of a review as a webhook asks; says whether that changed anything. */
function applyTo(review: Review, patch: unknown, seen: SeenAs, { name }: Webhook): boolean {
  if (!review.object)
    throw internalError(
      `admission webhook ${JSON.stringify(name)} attempted to modify the object, which is not supported for this operation`,
    );
  const before = textOf(review);
  changeObject(review, seen, (shown) => jsonPatch(shown, patch));
  return textOf(review) !== before;
}
