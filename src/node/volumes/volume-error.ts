/** A volume that could not be made ready; reason and message are those of the Event. */
export class VolumeError extends Error {
  override readonly name = "VolumeError";
  readonly reason: "FailedMount" | "FailedMapVolume";
  constructor(volume: string, { isDevice, cause }: { isDevice: boolean; cause: Error }) {
    const what = isDevice ? "MapVolume.SetUpDevice" : "MountVolume.SetUp";
    super(`${what} failed for volume "${volume}" : ${cause.message}`, { cause });
    this.reason = isDevice ? "FailedMapVolume" : "FailedMount";
  }
}
