import type { Answer } from "../registry/answer.ts";

/** The answer of an action that leaves nothing to show. */
export function created(): Answer {
  return {
    sort: "status",
    code: 201,
    status: { kind: "Status", apiVersion: "v1", metadata: {}, status: "Success", code: 201 },
  };
}
