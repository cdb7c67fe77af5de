import {
  type CertificateRow,
  listCertificates,
  rotateCertificates,
  rotateClusterAuthorities,
} from "../../app/certificates.ts";
import { defaultDataDirectory } from "../../app/paths.ts";
import { runAction } from "../actions.ts";
import { type Command, UsageError } from "../command.ts";
import { sharedFlags } from "../shared-flags.ts";
import { textTable } from "../table.ts";
import type { Values } from "../values.ts";

const dayMs = 24 * 60 * 60 * 1000;

export const certificate: Command = {
  name: "certificate",
  summary: "show this machine's certificates, make them anew, replace the cluster's authorities",
  about: [
    "Certificates live for a year and are made anew by skiff itself while 90 days are left; nothing has to be restarted. `check` shows them; `rotate` makes them anew now, on a server or an agent, running or not.",
    "`rotate-ca`, on a server, replaces both authorities. The former ones stay believed, so that agents and kubeconfigs go on working; each agent takes up the new ones within half a day, or at `skiff certificate rotate`. Tokens have another hash from then on.",
  ],
  operands: "check | rotate | rotate-ca",
  flags: [sharedFlags.dataDir],
  examples: [{ line: "skiff certificate check", does: "what ends when" }],
  run: runAction("certificate", {
    check: async ({ operands, values, io }) => {
      io.out(table(await listCertificates(dataDirectoryFrom(values, operands)), Date.now()));
      return 0;
    },
    rotate: async ({ operands, values, io }) => {
      const role = await rotateCertificates(dataDirectoryFrom(values, operands));
      io.out(`the certificates of this ${role} are made anew and taken into use\n`);
      return 0;
    },
    "rotate-ca": async ({ operands, values, io }) => {
      await rotateClusterAuthorities(dataDirectoryFrom(values, operands));
      io.out("the authorities are replaced; new devices need a token with the new hash, from the node-token file\n");
      return 0;
    },
  }),
};

function dataDirectoryFrom(values: Values, [unexpected]: readonly string[]): string {
  if (unexpected !== undefined) throw new UsageError(`unexpected argument ${JSON.stringify(unexpected)}`);
  return values.text("data-dir") ?? defaultDataDirectory();
}

function table(rows: readonly CertificateRow[], nowMs: number): string {
  const cells = rows.map(({ name, subject, endsMs }) => [
    name,
    new Date(endsMs).toISOString().slice(0, 10),
    endsMs < nowMs ? "EXPIRED" : `${Math.floor((endsMs - nowMs) / dayMs)} days`,
    subject,
  ]);
  return textTable([["NAME", "ENDS", "LEFT", "SUBJECT"], ...cells]);
}
