import type { AnyObject } from "../../api/object.ts";
import type { APIService, EndpointSlice, FlowSchema, Service, ServiceCIDR } from "../../api/schema/types.ts";

/** What the server sees of an object. */
export interface SeenCondition {
  readonly type: string;
  readonly status: "True" | "False";
  readonly reason?: string;
  readonly message: string;
}

/** All objects of a bucket, or those of one namespace. */
export type Objects = (bucket: string, namespace?: string) => readonly AnyObject[];

/** A condition that the API server itself writes. Kinds are named by their bucket. */
export interface ConditionRule {
  readonly of: string;
  readonly dependsOn: readonly string[];
  readonly manager: string;
  /** Whether it is written by server-side apply; otherwise by an update. */
  readonly applies: boolean;
  look(object: AnyObject, objects: Objects): SeenCondition | undefined;
}

const priorityLevels = "prioritylevelconfigurations.flowcontrol.apiserver.k8s.io";

/** Whether the server behind an APIService answers; undefined while it is being asked. */
export type ExtensionCheck = (apiService: string) => SeenCondition | undefined;

export const conditionRules = (extension: ExtensionCheck): readonly ConditionRule[] => [
  {
    of: "flowschemas.flowcontrol.apiserver.k8s.io",
    dependsOn: [priorityLevels],
    manager: "api-priority-and-fairness-config-consumer-v1",
    applies: true,
    look: (object, objects) => dangling(object as unknown as FlowSchema, objects),
  },
  {
    of: "servicecidrs.networking.k8s.io",
    dependsOn: [],
    manager: "kubernetes-service-cidr-controller",
    applies: true,
    // What somebody else says of it stands: the controller of all ranges has words of its own.
    look: ({ metadata, status }) =>
      metadata.name === "kubernetes" && !metadata.deletionTimestamp && !isSaidReady(status as ServiceCIDR["status"])
        ? { type: "Ready", status: "True", message: "Kubernetes default Service CIDR is ready" }
        : undefined,
  },
  {
    of: "apiservices.apiregistration.k8s.io",
    dependsOn: ["services", "endpointslices.discovery.k8s.io"],
    manager: "kube-apiserver",
    applies: false,
    look: (object, objects) => available(object as unknown as APIService, objects, extension),
  },
];

function isSaidReady(status: ServiceCIDR["status"]): boolean {
  const said = status?.conditions?.find(({ type }) => type === "Ready")?.status;
  return said === "True" || said === "False";
}

function dangling({ spec }: FlowSchema, objects: Objects): SeenCondition {
  const { name } = spec?.priorityLevelConfiguration ?? { name: "" };
  const isThere = objects(priorityLevels).some(({ metadata }) => metadata.name === name);
  const reference = `This FlowSchema references the PriorityLevelConfiguration object named ${JSON.stringify(name)}`;
  return isThere
    ? { type: "Dangling", status: "False", reason: "Found", message: `${reference} and it exists` }
    : { type: "Dangling", status: "True", reason: "NotFound", message: `${reference} but there is no such object` };
}

/** Whether what is to serve an API can be reached (Kubernetes docs, "Kubernetes API Aggregation Layer"). */
function available(
  { metadata, spec }: APIService,
  objects: Objects,
  extension: ExtensionCheck,
): SeenCondition | undefined {
  const unavailable = (reason: string, message: string): SeenCondition => ({
    type: "Available",
    status: "False",
    reason,
    message,
  });
  const wanted = spec?.service;
  if (!wanted)
    return { type: "Available", status: "True", reason: "Local", message: "Local APIServices are always available" };
  const { name = "", namespace = "", port: number = 443 } = wanted;
  const where = `service/${name} in ${JSON.stringify(namespace)}`;
  const service = objects("services", namespace).find(({ metadata }) => metadata.name === name) as Service | undefined;
  if (!service) return unavailable("ServiceNotFound", `${where} is not present`);
  if ((service.spec?.type ?? "ClusterIP") !== "ClusterIP") return extension(metadata.name);
  const port = service.spec?.ports?.find((candidate) => candidate.port === number);
  if (!port) return unavailable("ServicePortError", `${where} is not listening on port ${number}`);
  const slices = objects("endpointslices.discovery.k8s.io", namespace).filter(
    ({ metadata }) => metadata.labels?.["kubernetes.io/service-name"] === name,
  ) as unknown as EndpointSlice[];
  if (slices.length === 0) return unavailable("EndpointsNotFound", `cannot find endpointslices for ${where}`);
  const isServed = slices.some(
    ({ ports, endpoints }) =>
      ports?.some((candidate) => (candidate.name ?? "") === (port.name ?? "")) &&
      endpoints?.some(({ conditions }) => conditions?.ready !== false),
  );
  if (!isServed)
    return unavailable(
      "MissingEndpoints",
      `endpointslices for ${where} have no addresses with port name ${JSON.stringify(port.name ?? "")}`,
    );
  return extension(metadata.name);
}
