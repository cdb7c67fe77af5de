import { defaultKubeconfig } from "../../app/paths.ts";
import { withTokens } from "../../app/tokens.ts";
import { type Command, UsageError } from "../command.ts";
import { sharedFlags } from "../shared-flags.ts";
import { Values } from "../values.ts";

export const node: Command = {
  name: "node",
  summary: "let a device back in that lost its key",
  about: [
    "A node is known by the key that its device made when it joined. A device whose card was written anew has another key: until somebody says that it is the same device, it is refused its old name. `readmit` says so.",
  ],
  operands: "readmit NODE",
  flags: [sharedFlags.kubeconfig],
  examples: [{ line: "skiff node readmit shelf-2", does: "the next device with a valid token may be node shelf-2" }],
  async run(given, io) {
    const [action, name, ...rest] = given.operands;
    if (action !== "readmit" || name === undefined || rest.length > 0)
      throw new UsageError("write `skiff node readmit NODE`; see `skiff help node`");
    const kubeconfig = new Values(given).text("kubeconfig") ?? defaultKubeconfig();
    if (!(await withTokens(kubeconfig, (desk) => desk.readmit(name))))
      throw new UsageError(`no device is known as node ${name}: there is nothing to do, it may join`, 1);
    io.out(`the next device with a valid token may be node ${name}\n`);
    return 0;
  },
};
