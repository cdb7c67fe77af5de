import { X509Certificate } from "node:crypto";
import { join } from "node:path";
import { Backoff } from "../base/backoff.ts";
import type { Clock } from "../base/clock.ts";
import { readIfThere, readOrMake, writeWhole } from "../base/files.ts";
import { CannotStart } from "../base/lifecycle.ts";
import { type Log, messageOf } from "../base/log.ts";
import { watchDirectory } from "../base/watch-directory.ts";
import { ServerList } from "../client/server-list.ts";
import { certificatesIn, type KeyPair, makeKey, makeRequest } from "./authority.ts";
import { askToJoin, fetchAuthority, JoinRefused } from "./join.ts";
import type { JoinAnswer } from "./join-protocol.ts";
import { endsSoon, lifeIn, lookEveryMs } from "./leaf-life.ts";
import { caHashOf, type JoinToken } from "./token.ts";
import { skewBetween } from "./version-skew.ts";

export interface MembershipOptions {
  /** DATA/agent. */
  readonly directory: string;
  readonly nodeName: string;
  /** The one that the user named; those that the cluster names are added. */
  readonly servers: ServerList;
  readonly token: JoinToken | undefined;
  /** Of this device's skiff. */
  readonly version: string;
  readonly clock: Clock;
  readonly log: Log;
}

const keyFileName = "client-kubelet.key";
const fileName = "membership.json";
const quietMs = 50;

/** This device as a member of a cluster: its key, its certificate, whom it believes and where the servers are. */
export class Membership implements Disposable {
  readonly servers: ServerList;
  readonly #options: MembershipOptions;
  readonly #key: string;
  #answer: JoinAnswer;
  #timer: Disposable | undefined;
  #watching: Disposable | undefined;
  #disposed = false;
  /** What was said last of versions that are too far apart. */
  #skew: string | undefined;
  readonly #renewed: () => void;

  private constructor(options: MembershipOptions, key: string, answer: JoinAnswer, renewed: () => void) {
    this.#options = options;
    this.#key = key;
    this.#answer = answer;
    this.#renewed = renewed;
    this.servers = options.servers;
    this.servers.learn(answer.servers);
  }

  /**
   * Takes up the membership that lies on the disk, without asking anybody; where there is none, joins with the token, and
   * waits for a server as long as it takes. `renewed` is called when there is another certificate or another authority.
   * @throws {CannotStart} when a server refuses
   */
  static async open(options: MembershipOptions, renewed: () => void, stop: AbortSignal): Promise<Membership> {
    const { directory, nodeName, token } = options;
    const key = await readOrMake(join(directory, keyFileName), makeKey);
    const kept = await readAnswer(directory, nodeName);
    if (kept) {
      const hash = token?.caHash;
      const isOfToken = hash === undefined || certificatesIn(kept.serverCa).some((ca) => caHashOf(ca) === hash);
      if (isOfToken) return new Membership(options, key, kept, renewed);
      options.log.info("the token is of another cluster than this device's certificate: joining that one");
    }
    const answer = await joinWithToken(options, key, stop);
    await keepAnswer(directory, answer);
    return new Membership(options, key, answer, renewed);
  }

  /** Of what lies on the disk. */
  static from(options: MembershipOptions, key: string, answer: JoinAnswer): Membership {
    return new Membership(options, key, answer, () => {});
  }

  get cluster(): JoinAnswer["cluster"] {
    return this.#answer.cluster;
  }

  get serverCa(): string {
    return this.#answer.serverCa;
  }

  get credentials(): KeyPair {
    return { cert: this.#answer.certificate, key: this.#key };
  }

  /** From now on the certificate is renewed long before its end, and what the cluster says of itself is kept. */
  keepFresh(): void {
    const { directory, clock, log } = this.#options;
    this.#watching = watchDirectory({ directory, only: fileName, quietMs, clock, log }, () => void this.#reread());
    this.#look();
  }

  #look(): void {
    void this.#refresh().finally(() => {
      if (!this.#disposed)
        this.#timer = this.#options.clock.after(lookEveryMs(this.cluster.leafLifetimeMs), () => this.#look());
    });
  }

  /** Asks for another certificate now. */
  async renew(): Promise<void> {
    const answer = await this.#ask();
    await keepAnswer(this.#options.directory, answer);
    this.#take(answer);
  }

  /** `skiff certificate rotate` wrote another one beside the agent that runs. */
  async #reread(): Promise<void> {
    const { directory, nodeName, log } = this.#options;
    try {
      const answer = await readAnswer(directory, nodeName);
      if (answer) this.#take(answer);
    } catch (error) {
      log.warn("the membership on the disk cannot be read", { error: messageOf(error) });
    }
  }

  #take(answer: JoinAnswer): void {
    const isSame = answer.certificate === this.#answer.certificate && answer.serverCa === this.#answer.serverCa;
    this.#tellSkew(answer);
    this.#answer = answer;
    this.servers.learn(answer.servers);
    if (isSame) return;
    this.#options.log.info("the node's certificate was renewed and is in use");
    this.#renewed();
  }

  #tellSkew({ version }: JoinAnswer): void {
    const skew = version === undefined ? undefined : skewBetween(this.#options.version, version);
    if (skew && skew !== this.#skew) this.#options.log.warn(skew);
    this.#skew = skew;
  }

  [Symbol.dispose](): void {
    this.#disposed = true;
    this.#timer?.[Symbol.dispose]();
    this.#watching?.[Symbol.dispose]();
  }

  async #refresh(): Promise<void> {
    const { log, directory, clock } = this.#options;
    try {
      const answer = await this.#ask();
      const { certificate, serverCa } = this.#answer;
      const isSoon = endsSoon(certificate, lifeIn(this.cluster, clock.now()));
      // A certificate with most of its life before it is kept: nothing is written without need.
      const next = isSoon || answer.serverCa !== serverCa ? answer : { ...answer, certificate };
      if (JSON.stringify(next) !== JSON.stringify(this.#answer)) await keepAnswer(directory, next);
      this.#take(next);
    } catch (error) {
      log.info("the node's membership could not be looked at, the next time comes", { error: messageOf(error) });
    }
  }

  async #ask(): Promise<JoinAnswer> {
    const { nodeName, token, version } = this.#options;
    const server = this.servers.current;
    const ask = { nodeName, certificateRequest: await makeRequest(this.#key, `system:node:${nodeName}`), version };
    try {
      return await askToJoin({ server, serverCa: this.serverCa, credential: this.credentials, ask });
    } catch (error) {
      // A device that lay in a drawer for a year has a certificate that nobody takes; its token may still be good.
      if (!(error instanceof JoinRefused) || !token) throw error;
      return askToJoin({ server, serverCa: this.serverCa, credential: { token }, ask });
    }
  }
}

/** The member that a device's directory says it is, without asking anybody; undefined where there is none. */
export async function memberOf(
  options: Pick<MembershipOptions, "directory" | "version" | "clock" | "log">,
): Promise<Membership | undefined> {
  const text = await readIfThere(join(options.directory, fileName));
  const key = await readIfThere(join(options.directory, keyFileName));
  if (text === undefined || key === undefined) return undefined;
  const answer = JSON.parse(text) as JoinAnswer;
  const [, nodeName = ""] = /^CN=system:node:(.+)$/m.exec(new X509Certificate(answer.certificate).subject) ?? [];
  const [server = ""] = answer.servers;
  return Membership.from({ ...options, nodeName, servers: new ServerList([server]), token: undefined }, key, answer);
}

async function joinWithToken(options: MembershipOptions, key: string, stop: AbortSignal): Promise<JoinAnswer> {
  const { nodeName, servers, token, version, clock, log } = options;
  if (!token)
    throw new CannotStart(
      "this device is in no cluster yet and has no token: --token with what lies in the server's /var/lib/skiff/server/node-token",
    );
  const ask = { nodeName, certificateRequest: await makeRequest(key, `system:node:${nodeName}`), version };
  const backoff = new Backoff({ firstMs: 250, maxMs: 10_000, jitter: 0.5 }, clock);
  for (let told = ""; !stop.aborted; ) {
    const server = servers.current;
    try {
      const serverCa = await fetchAuthority(server, token);
      if (token.caHash === undefined)
        log.warn("the token has no hash of the cluster's authority: whoever answered first is believed", { server });
      return await askToJoin({ server, serverCa, credential: { token }, ask });
    } catch (error) {
      if (error instanceof CannotStart) throw error;
      if (told !== messageOf(error)) log.warn("the server cannot be reached yet", { server, error: messageOf(error) });
      told = messageOf(error);
      await backoff.wait(stop);
    }
  }
  throw new CannotStart("stopped before the device had joined");
}

/** Only of this node's name: under another the device is another node. */
async function readAnswer(directory: string, nodeName: string): Promise<JoinAnswer | undefined> {
  const text = await readIfThere(join(directory, fileName));
  if (text === undefined) return undefined;
  const answer = JSON.parse(text) as JoinAnswer;
  return new X509Certificate(answer.certificate).subject.split("\n").includes(`CN=system:node:${nodeName}`)
    ? answer
    : undefined;
}

function keepAnswer(directory: string, answer: JoinAnswer): Promise<void> {
  return writeWhole(join(directory, fileName), JSON.stringify(answer));
}
