import type { IncomingMessage } from "node:http";
import { Readable } from "node:stream";
import type Docker from "dockerode";
import type { ContainerId, LogOptions } from "../runtime.ts";
import { merged } from "./demux.ts";
import { dockerError } from "./errors.ts";

/** A container's output from Docker's log files, one stream of bytes. */
export async function containerLogs(
  docker: Docker,
  id: ContainerId,
  { follow, tailLines, sinceMs, timestamps, stream }: LogOptions,
  signal: AbortSignal,
): Promise<Readable> {
  const query = {
    stdout: stream !== "stderr",
    stderr: stream !== "stdout",
    follow,
    timestamps,
    ...(tailLines !== undefined && { tail: String(tailLines) }),
    ...(sinceMs !== undefined && { since: (sinceMs / 1000).toFixed(3) }),
  };
  try {
    const { Config, State } = await docker.getContainer(id).inspect();
    // A container that never ran has no log file, which Docker would call an error.
    if (State.Status === "created") return Readable.from([]);
    const answer = await get(docker, { path: `/containers/${id}/logs?`, query }, signal);
    if (Config.Tty) return answer;
    const lines = merged();
    answer.on("error", (error) => lines.destroy(error));
    lines.on("close", () => answer.destroy());
    return answer.pipe(lines);
  } catch (error) {
    throw dockerError(error);
  }
}

/** dockerode collects an answer that does not follow into one buffer; this streams it whatever its size. */
function get(
  docker: Docker,
  { path, query }: { path: string; query: object },
  signal: AbortSignal,
): Promise<IncomingMessage> {
  return new Promise((done, fail) => {
    const statusCodes = { 200: true, 404: "no such container", 500: "server error" };
    docker.modem.dial(
      { path, options: { _query: query }, method: "GET", isStream: true, statusCodes, abortSignal: signal },
      (error, answer) => (error ? fail(error) : done(answer as IncomingMessage)),
    );
  });
}
