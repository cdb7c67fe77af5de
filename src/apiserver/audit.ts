import { LogFile, type LogFileOptions } from "./audit/log-file.ts";
import type { AuditPolicy } from "./audit/policy.ts";
import type { AuditLog } from "./audit/trail.ts";

export { type AuditPolicy, auditPolicyFrom, BadPolicy } from "./audit/policy.ts";
export type { AuditLog } from "./audit/trail.ts";

/** Opens the file in which requests are recorded as a policy wants it. @throws when it cannot be written to */
export async function openAuditLog(policy: AuditPolicy, options: LogFileOptions): Promise<AuditLog> {
  const file = await LogFile.open(options);
  return {
    policy,
    write: (line) => file.write(line),
    [Symbol.asyncDispose]: () => file[Symbol.asyncDispose](),
  };
}
