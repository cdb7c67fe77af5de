import type { PersistentVolumeClaimSpec } from "../../schema/types.ts";
import { fractionWarning } from "../../validate/values.ts";

/** What is allowed in a claim, or in a template for claims, and yet seldom meant. `at`: the spec's place. */
export function claimSpecWarnings(spec: PersistentVolumeClaimSpec | undefined, at: string): string[] {
  return (["requests", "limits"] as const).flatMap((list) =>
    fractionWarning(spec?.resources?.[list]?.storage, `${at}.resources.${list}[storage]`),
  );
}
