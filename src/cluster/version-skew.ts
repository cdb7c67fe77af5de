/** How many minor versions a device and its server may be apart. */
const mostMinors = 1;

/**
 * Why a device of one version does not work with a server of another, and what would; undefined when it does. Patches and what
 * stands behind them do not count, and a version that cannot be read is nobody's fault.
 */
export function skewBetween(device: string, server: string): string | undefined {
  const [own, other] = [minorOf(device), minorOf(server)];
  if (!own || !other) return undefined;
  const apart = own.major === other.major ? Math.abs(own.minor - other.minor) : Number.POSITIVE_INFINITY;
  if (apart <= mostMinors) return undefined;
  const isNewer = own.major - other.major || own.minor - other.minor;
  return `this device runs skiff ${device} and the server ${server}: they may be one minor version apart. Install ${other.major}.${other.minor} on this device${isNewer > 0 ? ", or upgrade the server first" : ""}`;
}

function minorOf(version: string): { major: number; minor: number } | undefined {
  const [, major, minor] = /^v?(\d+)\.(\d+)(?:\.|$)/.exec(version) ?? [];
  return major === undefined ? undefined : { major: Number(major), minor: Number(minor) };
}
