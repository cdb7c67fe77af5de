import { parentPort, workerData } from "node:worker_threads";
import { isRecoverable, type LogDatabase, openDatabase, Refusal, refusalFrom } from "./database.ts";
import type { Answer, Answers, Failure, Request, WriterOptions } from "./protocol.ts";

// The writer thread: it alone touches the database, so that a slow disk never holds up the event loop.

const options = workerData as WriterOptions;
const port = parentPort!;
let database: LogDatabase | undefined;

port.on("message", async ({ id, request }: { id: number; request: Request }) => {
  try {
    const result = await serve(request);
    const moved = result instanceof ArrayBuffer ? [result] : [];
    port.postMessage({ id, ok: true, result } satisfies Answer, moved);
  } catch (error) {
    port.postMessage({ id, ok: false, failure: failureFrom(error) } satisfies Answer);
  }
  if (request.type === "append") checkpoint();
  if (request.type === "close") port.close();
});

function serve(request: Request): Answers[Request["type"]] | Promise<undefined> {
  switch (request.type) {
    case "open": {
      const { database: opened, isNew } = openDatabase(options, request.isFirst);
      database = opened;
      return { ...opened.readState(), isNew };
    }
    case "load":
      return usable().load();
    case "append":
      return append(request);
    case "backup":
      return usable()
        .backup(request.file)
        .then(() => undefined);
    case "close":
      database?.close();
      database = undefined;
      return undefined;
  }
}

function append(request: Extract<Request, { type: "append" }>): undefined {
  try {
    usable().append(request);
  } catch (error) {
    // What a failed write or sync left behind in the connection cannot be trusted: the next request opens the file anew.
    if (!isRecoverable(error)) abandon();
    throw error;
  }
}

function usable(): LogDatabase {
  database ??= openDatabase(options, false).database;
  return database;
}

function abandon(): void {
  try {
    database?.close();
  } catch {
    // It is given up in any case.
  }
  database = undefined;
}

function checkpoint(): void {
  try {
    database?.checkpointWhenDue();
  } catch {
    // The log stays as long as it is; the next attempt comes with a later transaction.
  }
}

function failureFrom(error: unknown): Failure {
  const { kind, message } = error instanceof Refusal ? error : refusalFrom(error, options.file);
  return { kind, message };
}
