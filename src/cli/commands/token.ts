import { randomBytes } from "node:crypto";
import { isReason } from "../../api/status.ts";
import { defaultDataDirectory, defaultKubeconfig } from "../../app/paths.ts";
import { type BootstrapToken, generateBootstrapToken, rotateNodeToken, withTokens } from "../../app/tokens.ts";
import { runAction } from "../actions.ts";
import { type Command, type Given, type Io, UsageError } from "../command.ts";
import { sharedFlags } from "../shared-flags.ts";
import { textTable } from "../table.ts";
import type { Values } from "../values.ts";

const usualLife = "24h";

export const token: Command = {
  name: "token",
  summary: "make, list, delete and rotate the tokens with which devices join",
  about: [
    "`create` makes a token with an end, in its secure form, and prints it. `list` shows those that there are, `delete` ends some by their IDs. `generate` prints a random token without asking any cluster.",
    "`rotate` gives the server's own node token another secret, at once; nodes that have joined are known by their keys and need none. A server that is started with --token needs the new one there too.",
  ],
  operands: "create [TOKEN] | list | delete ID… | generate | rotate",
  flags: [
    {
      name: "ttl",
      value: "TIME",
      does: "life of a new token: 30m, 24h, 7d; 0 for no end",
      defaultText: usualLife,
    },
    { name: "description", value: "TEXT", does: "what a new token is for", keepsCommas: true },
    { name: "new-token", value: "SECRET", does: "the secret to rotate to", defaultText: "a random one" },
    sharedFlags.kubeconfig,
    { ...sharedFlags.dataDir, does: "the server's data, for `rotate`" },
    { name: "output", short: "o", value: "FORM", does: "of `list`: table or json", defaultText: "table" },
  ],
  examples: [
    { line: 'skiff token create --ttl 1h --description "the new shelf"', does: "a token for an hour" },
    { line: "skiff token rotate", does: "make the server's node token worthless for whoever has seen it" },
  ],
  run: runAction("token", {
    create: async ({ operands, values, io }) =>
      print(io, await withTokens(kubeconfigFrom(values), async (desk) => desk.create(tokenToMake(values, operands)))),
    list: async ({ values, io }) =>
      print(io, listing(await withTokens(kubeconfigFrom(values), (desk) => desk.list()), values)),
    delete: ({ operands, values, io }) => deleteAll(kubeconfigFrom(values), operands, io),
    generate: ({ io }) => {
      const { id, secret } = generateBootstrapToken();
      return print(io, `${id}.${secret}`);
    },
    rotate: ({ values, io }) => rotate(values, io),
  }),
};

function kubeconfigFrom(values: Values): string {
  return values.text("kubeconfig") ?? defaultKubeconfig();
}

function print(io: Io, text: string): number {
  if (text) io.out(`${text}\n`);
  return 0;
}

function tokenToMake(values: Values, operands: Given["operands"]): BootstrapToken {
  const [text] = operands;
  const [, id, secret] = /^([a-z0-9]{6})\.([a-z0-9]{16})$/.exec(text ?? "") ?? [];
  if (text !== undefined && !id)
    throw new UsageError(
      "a token is written as ID.SECRET: 6 and 16 small letters and digits; leave it out for a random one",
    );
  const lifeMs = durationMs(values, "ttl", usualLife);
  return {
    ...(id && secret ? { id, secret } : generateBootstrapToken()),
    description: values.text("description") ?? "",
    expiresMs: lifeMs === undefined ? undefined : Date.now() + lifeMs,
  };
}

const unitMs: Readonly<Record<string, number>> = { s: 1e3, m: 60e3, h: 3600e3, d: 86_400e3 };

/** "90m", "1h30m", "7d"; undefined for "0". */
function durationMs(values: Values, flag: string, otherwise: string): number | undefined {
  const text = values.text(flag) ?? otherwise;
  if (text === "0") return undefined;
  const parts = [...text.matchAll(/(\d+)([smhd])/g)];
  if (parts.map(([whole]) => whole).join("") !== text || parts.length === 0)
    throw values.wrong(flag, text, "a time is written as 30m, 24h or 7d");
  return parts.reduce((sum, [, number, unit = ""]) => sum + Number(number) * (unitMs[unit] ?? 0), 0);
}

function listing(tokens: readonly BootstrapToken[], values: Values): string {
  const form = values.oneOf("output", ["table", "json"]);
  const rows = tokens.map(({ id, description, expiresMs }) => ({
    id,
    expires: expiresMs === undefined ? "never" : new Date(expiresMs).toISOString(),
    state: expiresMs !== undefined && expiresMs < Date.now() ? "expired" : "valid",
    description,
  }));
  if (form === "json") return JSON.stringify(rows, null, 2);
  const cells = rows.map(({ id, expires, state, description }) => [id, expires, state, description]);
  return textTable([["ID", "EXPIRES", "STATE", "DESCRIPTION"], ...cells]).trimEnd();
}

async function deleteAll(kubeconfig: string, ids: readonly string[], io: Io): Promise<number> {
  if (ids.length === 0) throw new UsageError("skiff token delete ID…: which? `skiff token list` shows them");
  await withTokens(kubeconfig, async (desk) => {
    for (const text of ids) {
      const id = /(?:^|::)([a-z0-9]{6})(?:\.[a-z0-9]{16})?$/.exec(text)?.[1] ?? text;
      await desk.delete(id).catch((error: unknown) => {
        if (isReason(error, "NotFound"))
          throw new UsageError(`there is no token ${id}: \`skiff token list\` shows them`, 1);
        throw error;
      });
      io.out(`token ${id} deleted\n`);
    }
  });
  return 0;
}

async function rotate(values: Values, io: Io): Promise<number> {
  const secret = values.text("new-token") ?? randomBytes(16).toString("hex");
  if (!/^[\w.+/=-]{1,256}$/.test(secret))
    throw new UsageError("--new-token: a secret consists of letters, digits and . _ + / = -");
  await rotateNodeToken(values.text("data-dir") ?? defaultDataDirectory(), secret);
  return print(io, "the node token has a new secret; devices that are to join need it, nodes do not");
}
