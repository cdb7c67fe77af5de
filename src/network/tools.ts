import { CannotStart } from "../base/lifecycle.ts";
import { isOlder } from "../base/versions.ts";
import { runCommand } from "./run-command.ts";

/** A program is there but too old for what the network asks of it. */
export class ToolTooOld extends CannotStart {
  override readonly name = "ToolTooOld";
}

// `typeof` in maps of verdicts, and destinations from concatenations, came with it.
const oldestNft = "0.9.6";

/** Throws when a program that the network needs is missing or too old. @throws {ToolMissing} @throws {ToolTooOld} */
export async function checkTools(): Promise<void> {
  const [nft] = await Promise.all([
    runCommand("nft", ["--version"]),
    runCommand("ip", ["-V"]),
    runCommand("nsenter", ["--version"]),
  ]);
  const version = nft.match(/v(\d+(?:\.\d+)+)/)?.[1];
  if (version && isOlder(version, oldestNft)) {
    throw new ToolTooOld(`nft ${version} is too old: skiff needs nftables ${oldestNft} or later`);
  }
}

/** Throws when the program is missing that makes the kernel forget flows; Services work without it, UDP ones less well. */
export async function checkConntrack(): Promise<void> {
  await runCommand("conntrack", ["--version"]);
}
