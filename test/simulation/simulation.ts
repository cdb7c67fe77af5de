import { userOf } from "../../src/app/part-users.ts";
import { type FakeClock, fakeClock } from "../../src/base/testing/fake-clock.ts";
import { type Client, openClient } from "../../src/client/client.ts";
import { material } from "../support/api-server.ts";
import { atRest } from "./at-rest.ts";
import { Chance, takeOver } from "./chance.ts";
import { SimulatedCluster } from "./cluster.ts";
import { deeds } from "./deeds.ts";
import { Device } from "./device.ts";
import { Watchful } from "./rules.ts";

export interface Simulation {
  readonly clock: FakeClock;
  readonly chance: Chance;
  readonly cluster: SimulatedCluster;
  readonly devices: readonly Device[];
  /** Somebody with kubectl. */
  readonly user: Client;
  /** A name that nothing had before. */
  readonly nextName: (of: string) => string;
  /** Waits for so many milliseconds of the simulated time. */
  readonly pass: (ms: number) => Promise<void>;
}

/** A rule was broken. The message tells what happened before. */
export class RuleBroken extends Error {
  override readonly name = "RuleBroken";
}

const deviceCount = 3;
const restMs = 30 * 60_000;

/**
 * Lets a cluster live through so many deeds, all chosen by the seed, then lets it come to rest.
 * @throws {RuleBroken} at the first rule that does not hold
 */
export async function simulate(seed: number, steps: number): Promise<readonly string[]> {
  await material(); // takes real time, which no seed decides, in the first simulation of a process
  const [chance, clock] = [new Chance(seed), fakeClock()];
  using _ = takeOver(chance, clock);
  await using cluster = new SimulatedCluster(clock, chance);
  const story: string[] = [];
  const failed = (rules: readonly string[]): RuleBroken =>
    new RuleBroken(`seed ${seed}: ${rules.join("; ")}\n${story.map((line) => `  ${line}`).join("\n")}`);

  const watchful = new Watchful(clock);
  cluster.disk.onRow = (row) => watchful.wrote(row);
  await during(clock, cluster.start());
  await using devices = new AsyncDisposableStack();
  let names = 0;
  const simulation: Simulation = {
    clock,
    chance,
    cluster,
    devices: Array.from({ length: deviceCount }, (_, index) => devices.use(new Device(index + 1, cluster))),
    user: openClient(cluster.transportFor(userOf("admin", ["system:masters"])), { fieldManager: "kubectl" }),
    nextName: (of) => `${of}-${++names}`,
    pass: (ms) => new Promise((passed) => void clock.after(ms, passed)),
  };
  await clock.advance(30_000);

  for (let step = 0; step < steps; step++) {
    const deed = chance.weighed(deeds);
    if (deed.disturbs) watchful.disturbed();
    const outcome = await during(clock, deed.do(simulation)).catch((error: Error) => `refused: ${error.message}`);
    if (outcome === undefined) continue;
    story.push(`${new Date(clock.now()).toISOString().slice(11, 23)} ${deed.name} ${outcome}`.trimEnd());
    if (deed.disturbs) watchful.disturbed();
    await clock.advance(chance.between(0, 2000));
    watchful.lookAt(simulation.devices);
    const broken = [...cluster.violations, ...watchful.broken];
    if (broken.length > 0) throw failed(broken);
  }

  for (const device of simulation.devices) device.heal();
  story.push(`${new Date(clock.now()).toISOString().slice(11, 23)} rest`);
  await clock.advance(restMs);
  const unrest = await during(clock, atRest(watchful.history, simulation.user, simulation.devices));
  const broken = [...cluster.violations, ...watchful.broken, ...unrest];
  if (broken.length > 0) throw failed(broken);
  return story;
}

/** What `done` comes to; the time goes on until then. */
async function during<T>(clock: FakeClock, done: Promise<T>): Promise<T> {
  let settled = false;
  const over = done.finally(() => {
    settled = true;
  });
  over.catch(() => {}); // thrown below
  for (let turns = 0; !settled; turns++) await clock.advance(turns < 100 ? 1 : 100);
  return over;
}
