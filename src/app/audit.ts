import { readFile } from "node:fs/promises";
import { parse } from "yaml";
import { type AuditLog, auditPolicyFrom, openAuditLog } from "../apiserver/audit.ts";
import type { Clock } from "../base/clock.ts";
import { CannotStart } from "../base/lifecycle.ts";
import { type Log, messageOf } from "../base/log.ts";

/** What kube-apiserver's settings say of the audit log. */
export interface AuditSettings {
  readonly path: string;
  readonly policyFile: string;
  readonly maxDays: number;
  readonly maxBackups: number;
  readonly maxMegabytes: number;
  readonly compress: boolean;
}

const unlimited = { maxMegabytes: 0, maxBackups: 0, maxDays: 0, compress: false };

/** The audit log; undefined: nothing is recorded, without a file or a policy. @throws {CannotStart} */
export async function auditLogFrom(
  { path, policyFile, ...limits }: Partial<AuditSettings>,
  { clock, log }: { readonly clock: Clock; readonly log: Log },
): Promise<AuditLog | undefined> {
  if (path === undefined) return undefined;
  if (policyFile === undefined) {
    log.warn("nothing is recorded in the audit log: audit-policy-file says what is to be", { file: path });
    return undefined;
  }
  try {
    const policy = auditPolicyFrom(parse(await readFile(policyFile, "utf8")));
    return await openAuditLog(policy, { ...unlimited, path, ...limits, clock, log });
  } catch (error) {
    throw new CannotStart(
      `--kube-apiserver-arg audit-policy-file=${policyFile}, audit-log-path=${path}: ${messageOf(error)}`,
    );
  }
}
