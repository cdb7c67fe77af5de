import { readFileSync } from "node:fs";
import { networkInterfaces } from "node:os";

/**
 * The address at which other machines reach this one: that of the interface with the default route, else of the first
 * interface that has one, else loopback (a device without any network still runs a cluster of its own).
 */
export function machineAddress(): string {
  const addresses = Object.entries(networkInterfaces()).flatMap(([name, list]) =>
    (list ?? [])
      .filter(({ family, internal }) => family === "IPv4" && !internal)
      .map(({ address }) => ({ name, address })),
  );
  const preferred = defaultRouteInterface(readRoutes());
  return (
    (addresses.find(({ name }) => name === preferred) ?? addresses.find(({ name }) => !name.startsWith("skf")))
      ?.address ?? "127.0.0.1"
  );
}

/** The interface of the IPv4 default route with the lowest metric, from the text of /proc/net/route. */
export function defaultRouteInterface(routes: string): string | undefined {
  const rows = routes
    .split("\n")
    .slice(1)
    .map((line) => line.split("\t"));
  const defaults = rows.filter(([, destination, , , , , , mask]) => destination === "00000000" && mask === "00000000");
  return defaults.sort((a, b) => Number(a[6]) - Number(b[6]))[0]?.[0];
}

function readRoutes(): string {
  try {
    return readFileSync("/proc/net/route", "utf8");
  } catch {
    return ""; // no /proc in this container: no preference
  }
}
