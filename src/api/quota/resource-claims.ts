import type { QuotaEvaluator } from "./evaluator.ts";

interface DeviceRequest {
  readonly deviceClassName?: string;
  readonly allocationMode?: string;
  readonly count?: number;
}

interface DeviceClaim {
  readonly spec?: {
    readonly devices?: {
      readonly requests?: readonly {
        readonly exactly?: DeviceRequest;
        readonly firstAvailable?: readonly DeviceRequest[];
      }[];
    };
  };
}

const count = "count/resourceclaims.resource.k8s.io";
const ofClass = ".deviceclass.resource.k8s.io/devices";
// "All" may become as many devices as a claim can hold.
const mostDevices = 32;

export const resourceClaims: QuotaEvaluator = {
  changes: true,
  counts: (name) => name === count || name.endsWith(ofClass),
  usage(object) {
    const used: Record<string, number> = {};
    for (const { exactly, firstAvailable = [] } of (object as unknown as DeviceClaim).spec?.devices?.requests ?? []) {
      // Of alternatives one will be taken: of each class, the one that takes most.
      const most: Record<string, number> = {};
      for (const request of exactly ? [exactly] : firstAvailable) {
        const { deviceClassName = "", allocationMode, count: asked = 1 } = request;
        const devices = allocationMode === "All" ? mostDevices : asked;
        most[deviceClassName] = Math.max(most[deviceClassName] ?? 0, devices);
      }
      for (const [name, devices] of Object.entries(most)) used[name] = (used[name] ?? 0) + devices;
    }
    const devices = Object.entries(used).map(([name, number]) => [`${name}${ofClass}`, String(number)]);
    return { [count]: "1", ...Object.fromEntries(devices) };
  },
  isIn: () => false,
};
