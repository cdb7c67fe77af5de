import { X509Certificate } from "node:crypto";
import { access } from "node:fs/promises";
import { join } from "node:path";
import { systemClock } from "../base/clock.ts";
import { CannotStart } from "../base/lifecycle.ts";
import { noLog } from "../base/log.ts";
import { certificatesIn } from "../cluster/authority.ts";
import { readCertificates, rotateAuthorities, rotateLeaves } from "../cluster/credentials.ts";
import { memberOf } from "../cluster/membership.ts";
import { skiffVersion } from "./version.ts";

const surroundings = { version: skiffVersion, clock: systemClock, log: noLog };

export interface CertificateRow {
  readonly name: string;
  readonly subject: string;
  readonly endsMs: number;
}

/** What certificates lie in a data directory, a server's or an agent's. @throws {CannotStart} when it is neither */
export async function listCertificates(dataDirectory: string): Promise<CertificateRow[]> {
  const server = await readCertificates(join(dataDirectory, "server"));
  const member = await memberOf({ directory: join(dataDirectory, "agent"), ...surroundings });
  const held = member ? [{ name: "client-kubelet (agent)", cert: member.credentials.cert }] : [];
  const believed = (member ? certificatesIn(member.serverCa) : []).map((cert) => ({ name: "server-ca (agent)", cert }));
  const all = [...server, ...held, ...believed];
  if (all.length === 0) throw neither(dataDirectory);
  return all.map(({ name, cert }) => {
    const { subject, validTo } = new X509Certificate(cert);
    return { name, subject: subject.split("\n").join(", "), endsMs: Date.parse(validTo) };
  });
}

/** Has the certificates of this machine made anew; whoever runs takes them into use at once. */
export async function rotateCertificates(dataDirectory: string): Promise<"server" | "agent"> {
  if (await isServer(dataDirectory)) {
    await rotateLeaves(join(dataDirectory, "server"));
    return "server";
  }
  const member = await memberOf({ directory: join(dataDirectory, "agent"), ...surroundings });
  if (!member) throw neither(dataDirectory);
  await member.renew();
  return "agent";
}

/** Replaces the cluster's authorities, on a server. */
export async function rotateClusterAuthorities(dataDirectory: string): Promise<void> {
  if (!(await isServer(dataDirectory)))
    throw new CannotStart(`${dataDirectory} is not a server's: the authorities are replaced on a server`);
  await rotateAuthorities(join(dataDirectory, "server"), systemClock.now());
}

async function isServer(dataDirectory: string): Promise<boolean> {
  return access(join(dataDirectory, "server", "tls", "server-ca.key")).then(
    () => true,
    (error: NodeJS.ErrnoException) => {
      if (error.code === "ENOENT") return false;
      throw error;
    },
  );
}

function neither(dataDirectory: string): CannotStart {
  return new CannotStart(`${dataDirectory} is no server's and no agent's: name the right one with --data-dir`);
}
