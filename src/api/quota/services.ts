import type { Service } from "../schema/types.ts";
import type { QuotaEvaluator } from "./evaluator.ts";

const names = ["count/services", "services", "services.loadbalancers", "services.nodeports"];

export const services: QuotaEvaluator = {
  changes: true,
  counts: (name) => names.includes(name),
  usage(object) {
    const { type, ports = [], allocateLoadBalancerNodePorts } = (object as unknown as Service).spec ?? {};
    const isBalanced = type === "LoadBalancer";
    const nodePorts =
      isBalanced && allocateLoadBalancerNodePorts === false ? ports.filter(({ nodePort }) => nodePort) : ports;
    return {
      "count/services": "1",
      services: "1",
      "services.loadbalancers": isBalanced ? "1" : "0",
      "services.nodeports": isBalanced || type === "NodePort" ? String(nodePorts.length) : "0",
    };
  },
  isIn: () => false,
};
