import { expect, test } from "vitest";
import { defaultRouteInterface } from "./addresses.ts";

const header = "Iface\tDestination\tGateway \tFlags\tRefCnt\tUse\tMetric\tMask\t\tMTU\tWindow\tIRTT\n";
const lan = "eth0\t0000A8C0\t00000000\t0001\t0\t0\t100\t00FFFFFF\t0\t0\t0\n";

test("the default route with the lowest metric names the interface", () => {
  const wlan = "wlan0\t00000000\t0100A8C0\t0003\t0\t0\t600\t00000000\t0\t0\t0\n";
  const eth = "eth0\t00000000\t0100A8C0\t0003\t0\t0\t100\t00000000\t0\t0\t0\n";
  expect(defaultRouteInterface(header + lan + wlan + eth)).toBe("eth0");
});

test("without a default route there is none", () => {
  expect(defaultRouteInterface(header + lan)).toBeUndefined();
  expect(defaultRouteInterface("")).toBeUndefined();
});
