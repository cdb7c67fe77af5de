import {
  type CertificateRow,
  listCertificates,
  rotateCertificates,
  rotateClusterAuthorities,
} from "../../app/certificates.ts";
import { defaultDataDirectory } from "../../app/paths.ts";
import { type Command, UsageError } from "../command.ts";
import { sharedFlags } from "../shared-flags.ts";
import { Values } from "../values.ts";

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
  async run(given, io) {
    const [action = "", ...rest] = given.operands;
    const dataDirectory = new Values(given).text("data-dir") ?? defaultDataDirectory();
    if (rest.length > 0) throw new UsageError(`unexpected argument ${JSON.stringify(rest[0])}`);
    switch (action) {
      case "check":
        io.out(table(await listCertificates(dataDirectory), Date.now()));
        return 0;
      case "rotate":
        io.out(
          `the certificates of this ${await rotateCertificates(dataDirectory)} are made anew and taken into use\n`,
        );
        return 0;
      case "rotate-ca":
        await rotateClusterAuthorities(dataDirectory);
        io.out("the authorities are replaced; new devices need a token with the new hash, from the node-token file\n");
        return 0;
      default:
        throw new UsageError(
          `skiff certificate ${action || "what"}: choose one of check, rotate, rotate-ca; see \`skiff help certificate\``,
        );
    }
  },
};

function table(rows: readonly CertificateRow[], nowMs: number): string {
  const cells = rows.map(({ name, subject, endsMs }) => ({
    name,
    subject,
    ends: new Date(endsMs).toISOString().slice(0, 10),
    left: endsMs < nowMs ? "EXPIRED" : `${Math.floor((endsMs - nowMs) / dayMs)} days`,
  }));
  const head = { name: "NAME", ends: "ENDS", left: "LEFT", subject: "SUBJECT" };
  const width = (field: "name" | "subject") => Math.max(...[head, ...cells].map((row) => row[field].length)) + 2;
  return [head, ...cells]
    .map(
      ({ name, ends, left, subject }) =>
        `${name.padEnd(width("name"))}${ends.padEnd(12)}${left.padEnd(11)}${subject}\n`,
    )
    .join("");
}
