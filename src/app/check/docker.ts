import { inspectDocker, RuntimeUnavailable } from "../../node/open-docker.ts";
import { type Check, ok, problem, warning } from "./check.ts";

export const docker: Check = {
  name: "Docker",
  concerns: ({ agent }) => agent !== undefined,
  async look({ agent }) {
    try {
      const { version, storageDriver } = await inspectDocker(agent?.runtimeEndpoint ?? "");
      if (storageDriver !== "vfs") return ok(`${version}, ${storageDriver}`);
      return warning(
        `${version}, vfs`,
        "Docker copies whole images for every container (storage driver vfs): put its data on ext4, xfs or btrfs, so that it takes overlay2",
      );
    } catch (error) {
      if (error instanceof RuntimeUnavailable) return problem(error.why, error.message);
      throw error;
    }
  },
};
